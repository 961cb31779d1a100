/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* AUTO(buf) struct buf b = { 0 }; runs buf_done(&b) when b leaves its scope. */
#define AUTO(type) __attribute__((cleanup(type##_done)))
