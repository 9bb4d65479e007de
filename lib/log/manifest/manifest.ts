/**
 * A manifest lists the segments that count, and how much of each. It is one small record, stored twice in its
 * file so that one damaged block does not lose the directory:
 *
 *     copy:  magic "WAQ-MAN\n" | version u16 | zero u16 | body length u32 | CRC u32 | body
 *            (the CRC is over the 16 bytes before it, and the body)
 *     file:  copy, padded with zeros to a multiple of 4096 | the same again
 *
 * The body is MessagePack; `encodeBody` lists its fields.
 */
import { Packr } from 'msgpackr'
import { crc32c } from '../format/crc32c.js'
import { FORMAT_VERSION, refuseUnknownVersion, SALT_BYTES } from '../format/format.js'
import { IDENTITY_BYTES, TOKEN_BYTES } from '../format/names.js'
import type { CorruptRange, Durability } from '../types.js'

const MAGIC = Buffer.from('WAQ-MAN\n', 'latin1')
const HEADER_BYTES = 8 + 2 + 2 + 4 + 4
const COPY_ALIGNMENT_BYTES = 4096

export interface Manifest {
  /**
   * The directory's identity, drawn at its creation: 32 hexadecimal digits. A manifest with another one is
   * void.
   */
  readonly identity: string
  readonly epoch: number
  readonly ordinal: number
  /**
   * The boot in which it was written: tells an opening whether power may have been lost since. null: unknown.
   */
  readonly bootId: string | null
  readonly logs: readonly ManifestLog[]
  /** Damage already quarantined and reported: an opening does not report it as new. */
  readonly corrupt: readonly CorruptRange[]
}

export interface ManifestLog {
  readonly name: string
  /** Exceeds every sequence assigned in this log before the manifest was written. */
  readonly nextSequence: number
  /** Records below it are discarded, even if their segment still exists. */
  readonly lowWater: number
  /** What the life that wrote it promised: below `'fsync'` a power loss may take accepted records. */
  readonly durability: Durability
  /** The last accepted records may be lost, and that is not accounted for yet (`LogSpec.accountsForTail`). */
  readonly tailInDoubt: boolean
  /** In order of first use. */
  readonly segments: readonly ManifestSegment[]
}

export interface ManifestSegment {
  readonly epoch: number
  readonly ordinal: number
  /** Of the life that made it; part of its file name. */
  readonly token: string
  readonly salt: Buffer
  /** Of its first frame; a lower bound while it has none. */
  readonly firstSequence: number
  /**
   * Of its last frame; if open, of the last one known to be on the device. Below `firstSequence`: none is.
   */
  readonly lastSequence: number
  /** How many of its bytes count, all of them synced; undefined: it is open, and its frames tell. */
  readonly length: number | undefined
  /**
   * Written by compaction, so single records of its range may be absent. Records leave any other segment only
   * with all of it: a record accepted in its range is there, or is lost.
   */
  readonly compacted: boolean
}

const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true, moreTypes: true })

export function encodeManifest(manifest: Manifest): Buffer {
  const body = packr.pack(encodeBody(manifest))
  const copyBytes = Math.ceil((HEADER_BYTES + body.length) / COPY_ALIGNMENT_BYTES) * COPY_ALIGNMENT_BYTES
  const file = Buffer.alloc(2 * copyBytes)
  MAGIC.copy(file, 0)
  file.writeUInt16LE(FORMAT_VERSION, 8)
  file.writeUInt32LE(body.length, 12)
  body.copy(file, HEADER_BYTES)
  file.writeUInt32LE(checksum(file, 0, body.length), 16)
  file.copy(file, copyBytes, 0, copyBytes)
  return file
}

/** Undefined if neither copy is valid. Refuses another version with WAQ_UNSUPPORTED_VERSION. */
export function decodeManifest(file: Buffer, name: string): Manifest | undefined {
  const second = Math.floor(file.length / 2)
  return decodeCopy(file, 0, name) ?? decodeCopy(file, second, name)
}

function decodeCopy(file: Buffer, at: number, name: string): Manifest | undefined {
  if (file.length - at < HEADER_BYTES || file.compare(MAGIC, 0, 8, at, at + 8) !== 0) return undefined
  const bodyLength = file.readUInt32LE(at + 12)
  if (bodyLength > file.length - at - HEADER_BYTES) return undefined
  if (file.readUInt32LE(at + 16) !== checksum(file, at, bodyLength)) return undefined
  refuseUnknownVersion(file.readUInt16LE(at + 8), name)
  return decodeBody(packr.unpack(file.subarray(at + HEADER_BYTES, at + HEADER_BYTES + bodyLength)))
}

function checksum(file: Buffer, at: number, bodyLength: number): number {
  const body = file.subarray(at + HEADER_BYTES, at + HEADER_BYTES + bodyLength)
  return crc32c(body, crc32c(file.subarray(at, at + 16), 0))
}

function encodeBody(manifest: Manifest): unknown[] {
  return [
    Buffer.from(manifest.identity, 'hex'),
    manifest.epoch,
    manifest.ordinal,
    manifest.bootId,
    manifest.logs.map(log => [
      log.name,
      log.nextSequence,
      log.lowWater,
      encodeDurability(log.durability),
      log.tailInDoubt,
      log.segments.map(segment => [
        segment.epoch,
        segment.ordinal,
        Buffer.from(segment.token, 'hex'),
        segment.salt,
        segment.firstSequence,
        segment.lastSequence,
        segment.length ?? null,
        segment.compacted,
      ]),
    ]),
    manifest.corrupt.map(range => [
      range.log,
      range.file,
      range.offset,
      range.length,
      range.firstMissing ?? null,
      range.lastMissing ?? null,
      Object.entries(range.nextSequences),
    ]),
  ]
}

/** For how many ms accepted records may wait for their sync; nil: forever. */
function encodeDurability(durability: Durability): number | null {
  if (durability === 'fsync') return 0
  return durability === 'os' ? null : durability.syncEveryMs
}

function decodeDurability(value: unknown): Durability {
  if (value === null) return 'os'
  const syncEveryMs = natural(value)
  return syncEveryMs === 0 ? 'fsync' : { syncEveryMs }
}

// The CRC matched, so a wrong shape is not disk damage; it still counts as an unreadable copy.

function decodeBody(body: unknown): Manifest | undefined {
  try {
    const [identity, epoch, ordinal, bootId, logs, corrupt] = list(body)
    return {
      identity: bytes(identity, IDENTITY_BYTES).toString('hex'),
      epoch: natural(epoch),
      ordinal: natural(ordinal),
      bootId: bootId === null ? null : text(bootId),
      logs: list(logs).map(decodeLog),
      corrupt: list(corrupt).map(decodeCorrupt),
    }
  } catch (error) {
    if (error instanceof ShapeError) return undefined
    throw error
  }
}

function decodeLog(value: unknown): ManifestLog {
  const [name, nextSequence, lowWater, durability, tailInDoubt, segments] = list(value)
  if (typeof tailInDoubt !== 'boolean') throw new ShapeError()
  return {
    name: text(name),
    nextSequence: natural(nextSequence),
    lowWater: natural(lowWater),
    durability: decodeDurability(durability),
    tailInDoubt,
    segments: list(segments).map(decodeSegment),
  }
}

function decodeSegment(value: unknown): ManifestSegment {
  const [epoch, ordinal, token, salt, firstSequence, lastSequence, length, compacted] = list(value)
  if (typeof compacted !== 'boolean') throw new ShapeError()
  return {
    epoch: natural(epoch),
    ordinal: natural(ordinal),
    token: bytes(token, TOKEN_BYTES).toString('hex'),
    salt: bytes(salt, SALT_BYTES),
    firstSequence: natural(firstSequence),
    lastSequence: natural(lastSequence),
    length: length === null ? undefined : natural(length),
    compacted,
  }
}

function decodeCorrupt(value: unknown): CorruptRange {
  const [log, file, offset, length, firstMissing, lastMissing, nextSequences] = list(value)
  return {
    log: text(log),
    file: text(file),
    offset: natural(offset),
    length: natural(length),
    ...(firstMissing === null ? {} : { firstMissing: natural(firstMissing) }),
    ...(lastMissing === null ? {} : { lastMissing: natural(lastMissing) }),
    nextSequences: Object.fromEntries(
      list(nextSequences).map(pair => {
        const [name, next] = list(pair)
        return [text(name), natural(next)]
      }),
    ),
    known: true,
  }
}

class ShapeError extends Error {}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new ShapeError()
  return value
}

function natural(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new ShapeError()
  return value
}

function bytes(value: unknown, length: number): Buffer {
  if (!(value instanceof Uint8Array) || value.length !== length) throw new ShapeError()
  return Buffer.from(value)
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new ShapeError()
  return value
}
