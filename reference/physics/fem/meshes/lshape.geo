// SPDX-License-Identifier: BSD-3-Clause
// (0,1)^2 without [1/2,1] x [0,1/2]. Boundary 1: the two sides of the re-entrant corner; 2: the rest.
DefineConstant[ h = 0.1 ];
Point(1) = {0, 0, 0, h};
Point(2) = {0.5, 0, 0, h};
Point(3) = {0.5, 0.5, 0, h};
Point(4) = {1, 0.5, 0, h};
Point(5) = {1, 1, 0, h};
Point(6) = {0, 1, 0, h};
Line(1) = {1, 2};
Line(2) = {2, 3};
Line(3) = {3, 4};
Line(4) = {4, 5};
Line(5) = {5, 6};
Line(6) = {6, 1};
Curve Loop(1) = {1, 2, 3, 4, 5, 6};
Plane Surface(1) = {1};
Physical Curve("corner", 1) = {2, 3};
Physical Curve("outer", 2) = {1, 4, 5, 6};
Physical Surface("domain", 3) = {1};
