/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * lang - what C11 and C++17 spell differently
 *
 * The headers of core, wire and device are read by both. HM_STATIC stands where
 * C says how long an array parameter is at least: `uint8_t at[HM_STATIC 32]`.
 */

#ifdef __cplusplus
#define HM_STATIC
#define HM_NORETURN [[noreturn]]
#define HM_C_BEGIN extern "C" {
#define HM_C_END }
#else
#define HM_STATIC static
#define HM_NORETURN _Noreturn
#define HM_C_BEGIN
#define HM_C_END
#endif
