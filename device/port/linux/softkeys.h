/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * softkeys - the four functions of device/src/softkey.c under other names
 *
 * There they are the port's own; here the port chooses among back ends, so
 * softkey.c is compiled once more with this file in front (-include).
 */
#define hm_port_key_make softkeys_make
#define hm_port_key_public softkeys_public
#define hm_port_key_sign softkeys_sign
#define hm_port_key_agree softkeys_agree
