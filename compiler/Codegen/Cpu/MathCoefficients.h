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
// erf x / x, z = x^2, x up to 1
inline constexpr double kErf32[] = {0x1.06eba82004052p-3,  -0x1.8127465fb9b98p-2, 0x1.ce2f0798bec50p-4,
                                    -0x1.b829a7a7b1373p-6, 0x1.5628ee0585dbbp-8,  -0x1.bcbe9b9115df5p-11,
                                    0x1.d826984312309p-14, -0x1.43841457d2fa6p-17};
inline constexpr double kErf64[] = {0x1.06eba8214db69p-3,   -0x1.812746b0379e7p-2,  0x1.ce2f21a042bddp-4,
                                    -0x1.b82ce3128899bp-6,  0x1.565bcd0e64ab7p-8,   -0x1.c02db3fed8f60p-11,
                                    0x1.f9a326bfb701bp-14,  -0x1.f4d255e1445e8p-17, 0x1.b9e64d079f4f2p-20,
                                    -0x1.5f6d6b4fafeb5p-23, 0x1.fc4116f96095ep-27,  -0x1.4e55cc07a0aebp-30,
                                    0x1.7ecbf3f4c8e82p-34,  -0x1.2928e9b11d11cp-38};
// e^(x^2) erfc x, t = (x - 2) / (x + 2), x from 1 to 6
inline constexpr double kErfc32[] = {0x1.058671b838b94p-2,   -0x1.b570349ccfa0cp-2,  0x1.eeea76ff109f2p-3,
                                     -0x1.437f5cefc15fbp-4,  0x1.e9940f4b98a9fp-9,   0x1.cad5ac2d2d35ep-8,
                                     -0x1.cde0795c68d32p-11, -0x1.fff08a8899bd1p-11, 0x1.a94136d484d6bp-13};
inline constexpr double kErfc64[] = {
    0x1.058671b52c776p-2,  -0x1.b57034efd3f73p-2,  0x1.eeea7dc8a78b3p-3,   -0x1.437f0b68c0b3ap-4, 0x1.e94715979e7c7p-9,
    0x1.ca95ed52f241ap-8,  -0x1.bc25a47ac7902p-11, -0x1.016b5cb7e3b61p-10, 0x1.6d5ef4dcd4d9bp-15, 0x1.6da958ea06822p-13,
    0x1.cdcd5a185355cp-16, -0x1.ceaeb2077e84dp-16, -0x1.d4c58fd3b0286p-17, 0x1.73416fd952973p-20, 0x1.ff5f6effbfe96p-19,
    0x1.3faa225d72cfep-20, -0x1.3e5ccef0648adp-21, -0x1.98f4c11fee7fdp-22};

} // namespace snn::coefficients

#endif // SNN_COMPILER_CODEGEN_CPU_MATHCOEFFICIENTS_H
