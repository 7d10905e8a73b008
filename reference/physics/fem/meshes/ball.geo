// SPDX-License-Identifier: BSD-3-Clause
// Unit ball in tetrahedra. Boundary 1: the sphere.
SetFactory("OpenCASCADE");
DefineConstant[ h = 0.5 ];
Sphere(1) = {0, 0, 0, 1};
MeshSize {:} = h;
Mesh.MeshSizeMax = h;
Physical Surface("sphere", 1) = {1};
Physical Volume("ball", 2) = {1};
