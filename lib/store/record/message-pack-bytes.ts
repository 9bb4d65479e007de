/**
 * The first bytes of MessagePack values, by its specification (https://msgpack.org). `SMALL_`: the byte
 * includes the length.
 */
export const SMALL_MAP = 0x80
export const SMALL_ARRAY = 0x90
export const SMALL_STRING = 0xa0
export const NIL = 0xc0
export const FALSE = 0xc2
export const TRUE = 0xc3
export const BIN_8 = 0xc4
export const BIN_16 = 0xc5
export const BIN_32 = 0xc6
export const FLOAT_32 = 0xca
export const FLOAT_64 = 0xcb
export const UINT_8 = 0xcc
export const UINT_16 = 0xcd
export const UINT_32 = 0xce
export const INT_8 = 0xd0
export const INT_16 = 0xd1
export const INT_32 = 0xd2
export const STRING_8 = 0xd9
export const STRING_16 = 0xda
export const STRING_32 = 0xdb
export const ARRAY_16 = 0xdc
export const ARRAY_32 = 0xdd
export const MAP_16 = 0xde
export const MAP_32 = 0xdf
