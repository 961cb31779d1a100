/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * lang - what C11 and C++17 spell differently
 *
 * Headers and sources of core, wire and device are compiled by both.
 *
 *   uint8_t at[HM_STATIC 32]        a parameter: 32 elements or more
 *   HM_MAKE(hm_bytes, ptr, len)     a value of `struct hm_bytes`
 *   struct hm_image found = HM_ZERO all zero, though its first member is an
 * enum
 *
 * The one thing that C++ took over only in 2020, and its compilers before, are
 * designated initializers; there they stand in the order of declaration.
 */

/* clang-format off */
#ifdef __cplusplus
#define HM_STATIC
#define HM_STATIC_ASSERT(...) static_assert(__VA_ARGS__)
#define HM_MAKE(type, ...) (type{ __VA_ARGS__ })
#define HM_ZERO {}
#define HM_NORETURN [[noreturn]]
#define HM_C_BEGIN extern "C" {
#define HM_C_END }
#else
#define HM_STATIC static
#define HM_STATIC_ASSERT(...) _Static_assert(__VA_ARGS__)
#define HM_MAKE(type, ...) ((struct type){ __VA_ARGS__ })
#define HM_ZERO { 0 }
#define HM_NORETURN _Noreturn
#define HM_C_BEGIN
#define HM_C_END
#endif
/* clang-format on */
