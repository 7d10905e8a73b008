// SPDX-License-Identifier: BSD-3-Clause
// A quarter of a ring, radii 1 and 2, in quadrilaterals; with `depth` > 0 extruded to hexahedra.
// Boundary 1: r = 1; 2: r = 2; 3: the straight sides (and, in 3D, 4: bottom and top).
DefineConstant[ n = 3, depth = 0 ];
Point(1) = {0, 0, 0};
Point(2) = {1, 0, 0};
Point(3) = {2, 0, 0};
Point(4) = {0, 2, 0};
Point(5) = {0, 1, 0};
Line(1) = {2, 3};
Circle(2) = {3, 1, 4};
Line(3) = {4, 5};
Circle(4) = {5, 1, 2};
Curve Loop(1) = {1, 2, 3, 4};
Plane Surface(1) = {1};
Transfinite Curve {1, 3} = n;
Transfinite Curve {2, 4} = 2 * n - 1;
Transfinite Surface {1};
Recombine Surface {1};
If (depth > 0)
  solid[] = Extrude {0, 0, depth} { Surface{1}; Layers{n - 1}; Recombine; };
  Physical Surface("inner", 1) = {solid[5]};
  Physical Surface("outer", 2) = {solid[3]};
  Physical Surface("sides", 3) = {solid[2], solid[4]};
  Physical Surface("bottom and top", 4) = {1, solid[0]};
  Physical Volume("ring", 5) = {solid[1]};
Else
  Physical Curve("inner", 1) = {4};
  Physical Curve("outer", 2) = {2};
  Physical Curve("sides", 3) = {1, 3};
  Physical Surface("ring", 5) = {1};
EndIf
