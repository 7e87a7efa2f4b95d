/**
 * Records of a TensorBoard event file: an `Event` message of TensorBoard's event.proto in a TFRecord, which is its length
 * (8 bytes), the masked CRC-32C of these (4 bytes), the message and the masked CRC-32C of the message, all little-endian.
 * Fields are in the order of their numbers, so that the bytes are those that Google's library writes.
 */
import { crc32c } from './crc32c'

export interface Event {
  /** The time of the event in seconds since 1970. */
  wallTime: number
  step: number
  content: EventContent
}

export type EventContent =
  /** The first record of a file. */
  | { kind: 'version' }
  /** A run goes on: what an earlier file has at this step and later no longer counts. */
  | { kind: 'session-start' }
  | { kind: 'summary'; values: readonly SummaryValue[] }

export type SummaryValue =
  | { tag: string; scalar: number }
  /** A text that is shown as Markdown. */
  | { tag: string; text: string }
  | { tag: string; image: EncodedPicture }

interface EncodedPicture {
  /** The bytes of a PNG file. */
  bytes: Uint8Array
  width: number
  height: number
}

/** A record with its frame. */
export function eventRecord(event: Event): Uint8Array {
  const message = encodeEvent(event)
  const record = Buffer.alloc(16 + message.length)
  record.writeBigUInt64LE(BigInt(message.length), 0)
  record.writeUInt32LE(masked(record.subarray(0, 8)), 8)
  record.set(message, 12)
  record.writeUInt32LE(masked(message), 12 + message.length)
  return record
}

function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

function encodeEvent({ wallTime, step, content }: Event): Uint8Array {
  return Buffer.concat([double(1, wallTime), integer(2, step), encodeContent(content)])
}

function encodeContent(content: EventContent): Uint8Array {
  switch (content.kind) {
    case 'version':
      return utf8(3, 'brain.Event:2')
    case 'session-start':
      // SessionLog { status: START }
      return nested(7, integer(1, 1))
    case 'summary':
      return nested(5, ...content.values.map((value) => nested(1, ...encodeValue(value))))
  }
}

function encodeValue(value: SummaryValue): Uint8Array[] {
  const tag = utf8(1, value.tag)
  if ('scalar' in value) return [tag, float(2, value.scalar)]
  if ('image' in value) {
    const { width, height, bytes } = value.image
    const rgb = 3
    return [tag, nested(4, integer(1, height), integer(2, width), integer(3, rgb), delimited(4, bytes))]
  }
  // A tensor of rank 0 with DT_STRING, for the plugin "text".
  const shape = nested(2)
  const tensor = nested(8, integer(1, 7), shape, utf8(8, value.text))
  return [tag, tensor, nested(9, nested(1, utf8(1, 'text')))]
}

// Wire format: a key of field number and wire type, then the value. Zero is what a missing number means.

function integer(field: number, value: number): Uint8Array {
  return value === 0 ? Buffer.alloc(0) : Buffer.concat([varint(field << 3), varint(value)])
}

function double(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(9)
  bytes[0] = (field << 3) | 1
  bytes.writeDoubleLE(value, 1)
  return bytes
}

function float(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(5)
  bytes[0] = (field << 3) | 5
  bytes.writeFloatLE(value, 1)
  return bytes
}

function utf8(field: number, text: string): Uint8Array {
  return delimited(field, Buffer.from(text, 'utf8'))
}

function nested(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return delimited(field, Buffer.concat(parts))
}

function delimited(field: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes])
}

/** The bytes of a non-negative safe integer. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  return Uint8Array.from([...bytes, rest])
}
