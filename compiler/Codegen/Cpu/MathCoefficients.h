// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Polynomials of the functions in MathFunctions.cpp, from the constant on. Written by test/tools/minimax.py.

#ifndef SNN_COMPILER_CODEGEN_CPU_MATHCOEFFICIENTS_H
#define SNN_COMPILER_CODEGEN_CPU_MATHCOEFFICIENTS_H

namespace snn::coefficients {

// (e^r - 1 - r) / r^2
inline constexpr double kExp32[] = {0x1.0000000b7fb14p-1, 0x1.555555272613cp-3,  0x1.5554e94d501ddp-5,
                                    0x1.11114bed5e260p-7, 0x1.6d42dac24af1dp-10, 0x1.a072b4dc96ffdp-13};
inline constexpr double kExp64[] = {0x1.0000000000000p-1,  0x1.5555555555557p-3,  0x1.555555555554ep-5,
                                    0x1.11111111100ebp-7,  0x1.6c16c16c1a070p-10, 0x1.a01a01abe0f0ap-13,
                                    0x1.a01a019065b6cp-16, 0x1.71de02452c760p-19, 0x1.27e510cdcbd57p-22,
                                    0x1.af4dc53b190ddp-26, 0x1.1f1a1002b078ap-29};
// (2 atanh s - 2 s - 2/3 s^3) / s^5, z = s^2
inline constexpr double kLog32[] = {0x1.99999999b4b3ep-2, 0x1.249248710116fp-2, 0x1.c71dedc1c0220p-3,
                                    0x1.73d0d1fced6f4p-3, 0x1.500eba76e8e73p-3};
inline constexpr double kLog64[] = {0x1.999999999999ap-2, 0x1.2492492492522p-2, 0x1.c71c71c6ea926p-3,
                                    0x1.745d177aa105ep-3, 0x1.3b1395ce2e71ep-3, 0x1.1118c89b0b024p-3,
                                    0x1.df7ca82dd0ebep-4, 0x1.e02f956f9417ep-4};
// (sin r - r) / r^3, z = r^2
inline constexpr double kSin32[] = {-0x1.555555545a81ep-3, 0x1.11110de8a1020p-7, -0x1.a013a0604be83p-13,
                                    0x1.6dbc0d987a42bp-19};
inline constexpr double kSin64[] = {-0x1.5555555555555p-3, 0x1.1111111111110p-7,   -0x1.a01a01a019928p-13,
                                    0x1.71de3a545ee33p-19, -0x1.ae64541014e47p-26, 0x1.61217d14d51d0p-33,
                                    -0x1.ab16c0d4ea626p-41};
// (cos r - 1 + r^2 / 2) / r^4, z = r^2
inline constexpr double kCos32[] = {0x1.555555550208cp-5, -0x1.6c16bf51ffd08p-10, 0x1.a015c144dcb33p-16,
                                    -0x1.25236979ba073p-22};
inline constexpr double kCos64[] = {0x1.5555555555555p-5,   -0x1.6c16c16c16c16p-10, 0x1.a01a01a019d06p-16,
                                    -0x1.27e4fb77124fep-22, 0x1.1eed8deac1341p-29,  -0x1.9394b8d1c804fp-37,
                                    0x1.ab77ad8552dffp-45};
// (atan y - y) / y^3, z = y^2
inline constexpr double kAtan32[] = {-0x1.5555554c3cbcep-2, 0x1.99997b81179d1p-3,  -0x1.248a2ac7c05cbp-3,
                                     0x1.c57e23e3d78b6p-4,  -0x1.615481732473dp-4, 0x1.9dd5fd63ef934p-5};
inline constexpr double kAtan64[] = {-0x1.5555555555555p-2, 0x1.9999999999955p-3,  -0x1.249249248d92fp-3,
                                     0x1.c71c71c312cd7p-4,  -0x1.745d16607e8c5p-4, 0x1.3b13931e69ed9p-4,
                                     -0x1.110e8c8a7cca4p-4, 0x1.e19a74f4e94bdp-5,  -0x1.ac7d3684f7216p-5,
                                     0x1.74e93250bbdcfp-5,  -0x1.1b4f6dd8af347p-5, 0x1.0b0dbdfa0acd0p-6};
} // namespace snn::coefficients

#endif // SNN_COMPILER_CODEGEN_CPU_MATHCOEFFICIENTS_H
