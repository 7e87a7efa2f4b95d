/** Inputs that nobody meant: a function of reader, seed and number, so that any one can be had again. */
import { philox4x32 } from '../../packages/internal/src/index'
import { inheritedWords } from '../../packages/internal/testing/inherited-words'

/** Numbers in [0, below), one after the other. */
type Draw = (below: number) => number

export function mutated(
  corpus: readonly Uint8Array[],
  { name, text }: { name: string; text: boolean },
  seed: number,
  index: number,
): Uint8Array {
  const draw = draws(name, seed, index)
  let bytes: Buffer<ArrayBuffer> = Buffer.from(corpus[draw(corpus.length)])
  // One change reaches furthest; several find what none does alone.
  const changes = [1, 1, 2, 3][draw(4)]
  const kinds = text ? [...ofBytes, ...ofText, ...ofText, ...ofJson, ...ofJson] : ofBytes
  for (let i = 0; i < changes; i++) bytes = changed(bytes, kinds, draw, corpus)
  return bytes
}

/** Some changes find nothing that they could change: another one is tried. */
function changed(
  bytes: Buffer<ArrayBuffer>,
  kinds: readonly Change[],
  draw: Draw,
  corpus: readonly Uint8Array[],
): Buffer<ArrayBuffer> {
  for (let tries = 0; tries < 8; tries++) {
    const other = kinds[draw(kinds.length)](bytes, draw, corpus)
    if (!other.equals(bytes)) return other
  }
  return bytes
}

function draws(name: string, seed: number, index: number): Draw {
  let sum = 0
  for (const unit of name) sum = (31 * sum + unit.charCodeAt(0)) >>> 0
  let count = 0
  return (below) => philox4x32([index, count++, sum, 0], [seed, 1])[0] % Math.max(1, below)
}

type Change = (bytes: Buffer, draw: Draw, corpus: readonly Uint8Array[]) => Buffer<ArrayBuffer>

const extremeBytes = [0, 1, 127, 128, 254, 255]
const extremeIntegers = [
  0n,
  1n,
  -1n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]

const ofBytes: readonly Change[] = [
  (bytes, draw) => {
    const copy = Buffer.from(bytes)
    if (copy.length > 0) copy[draw(copy.length)] ^= 1 << draw(8)
    return copy
  },
  (bytes, draw) => {
    const copy = Buffer.from(bytes)
    if (copy.length > 0) copy[draw(copy.length)] = extremeBytes[draw(extremeBytes.length)]
    return copy
  },
  (bytes, draw) => Buffer.from(bytes.subarray(0, draw(bytes.length + 1))),
  // A piece of another one in the place of one of this.
  (bytes, draw, corpus) => {
    const other = corpus[draw(corpus.length)]
    const from = draw(other.length)
    return replaced(bytes, draw, Buffer.from(other.subarray(from, from + draw(64))), 64)
  },
  (bytes, draw) => {
    const copy = Buffer.from(bytes)
    const width = [1, 2, 4, 8][draw(4)]
    if (copy.length < width) return copy
    const number = Buffer.alloc(8)
    number.writeBigUInt64LE(BigInt.asUintN(64, extremeIntegers[draw(extremeIntegers.length)]))
    if (draw(2) === 1) number.subarray(0, width).reverse()
    number.copy(copy, draw(copy.length - width + 1), 0, width)
    return copy
  },
]

const extremeTexts = [
  ...['0', '-1', '1.5', '-0', '1e308', '1e999', '-1e999', '2147483648', '4294967296', '9007199254740993'],
  ...[
    '9'.repeat(400),
    'null',
    'true',
    '""',
    '"x"',
    '[]',
    '{}',
    '[null]',
    '[[]]',
    '"NaN"',
    '"\\u0000"',
    '"\\ud800"',
    '"../../x"',
  ],
]

type Holder = Record<string, unknown>

/** Changes of a line of JSON that leave it JSON, so that what its values mean is read. Other texts stay as they are. */
const ofJson: readonly Change[] = [
  // A number becomes one that is near, or of the same kind.
  inJson(
    (value) => typeof value === 'number',
    (holder, key, draw) => {
      const value = Number(holder[key])
      holder[key] = [value + 1, value - 1, -value, 2 * value, value / 2, Math.round(value)][draw(6)]
    },
  ),
  // A text loses or gains a letter.
  inJson(
    (value) => typeof value === 'string',
    (holder, key, draw) => {
      const value = String(holder[key])
      const at = draw(value.length + 1)
      holder[key] = value.slice(0, at) + ['', 'x', '0', ' ', 'é'][draw(5)] + value.slice(at + draw(2))
    },
  ),
  inJson(
    (value) => typeof value === 'boolean',
    (holder, key) => {
      holder[key] = holder[key] !== true
    },
  ),
  // A part goes, or takes the place of its neighbour.
  inJson(
    () => true,
    (holder, key, draw) => {
      if (!Array.isArray(holder)) Reflect.deleteProperty(holder, key)
      else holder.splice(draw(holder.length), 1)
    },
  ),
  inJson(
    () => true,
    (holder, key, draw) => {
      const names = Object.keys(holder)
      holder[names[draw(names.length)]] = holder[key]
    },
  ),
]

/** A change of one of the values that `is` chooses, in the whole or in one of the lines. */
function inJson(
  is: (value: unknown) => boolean,
  change: (holder: Holder, key: string, draw: Draw) => void,
): Change {
  return (bytes, draw) => {
    const text = bytes.toString('utf8')
    const whole = changedJson(text, is, change, draw)
    if (whole !== undefined) return Buffer.from(whole)
    const lines = text.split('\n')
    const at = draw(lines.length)
    lines[at] = changedJson(lines[at], is, change, draw) ?? lines[at]
    return Buffer.from(lines.join('\n'))
  }
}

function changedJson(
  text: string,
  is: (value: unknown) => boolean,
  change: (holder: Holder, key: string, draw: Draw) => void,
  draw: Draw,
): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const places: [Holder, string][] = []
    collect(value, is, places)
    if (places.length === 0) return undefined
    const [holder, key] = places[draw(places.length)]
    change(holder, key, draw)
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** Long lists, as vocabularies are, are looked into at their beginning. */
function collect(value: unknown, is: (value: unknown) => boolean, places: [Holder, string][]): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, each] of Object.entries(value).slice(0, 200)) {
    if (is(each)) places.push([value as Holder, key])
    collect(each, is, places)
  }
}

const ofText: readonly Change[] = [
  // A number becomes an extreme, or something else.
  (bytes, draw) =>
    inPlaceOf(/-?\d+(\.\d+)?([eE][-+]?\d+)?/g, bytes, draw, extremeTexts[draw(extremeTexts.length)]),
  // So does a whole value of JSON.
  (bytes, draw) =>
    inPlaceOf(
      /"([^"\\]|\\.)*"|\b(true|false|null)\b|\[\]|\{\}/g,
      bytes,
      draw,
      extremeTexts[draw(extremeTexts.length)],
    ),
  // A word becomes one that every object answers to.
  (bytes, draw) => inPlaceOf(/[A-Za-z_]+/g, bytes, draw, inheritedWords[draw(inheritedWords.length)][0]),
  // Depth, length.
  (bytes, draw) => {
    const [open, close] = [
      ['[', ']'],
      ['{"a":', '}'],
      ['(', ')'],
      ['\\frac{', '}'],
      ['{{', '}}'],
    ][draw(5)]
    const depth = 10 ** (1 + draw(4))
    return replaced(bytes, draw, Buffer.from(`${open.repeat(depth)}1${close.repeat(depth)}`), 8)
  },
  (bytes, draw) => {
    const from = draw(bytes.length)
    const piece = bytes.subarray(from, from + 1 + draw(40)).toString('latin1')
    return replaced(bytes, draw, Buffer.from(piece.repeat(10 ** (1 + draw(3))), 'latin1'), 1)
  },
]

/** A copy in which a piece has taken the place of up to `most` bytes. */
function replaced(bytes: Buffer, draw: Draw, piece: Buffer, most: number): Buffer<ArrayBuffer> {
  const at = draw(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + draw(most))])
}

function inPlaceOf(pattern: RegExp, bytes: Buffer, draw: Draw, text: string): Buffer<ArrayBuffer> {
  const whole = bytes.toString('latin1')
  // Near a random place: looking through a large file takes longer than reading it.
  const from = draw(Math.max(1, whole.length - 2000))
  const found = [...whole.slice(from, from + 4000).matchAll(pattern)]
  if (found.length === 0) return Buffer.from(bytes)
  const { index, 0: old } = found[draw(found.length)]
  const at = from + index
  return Buffer.from(whole.slice(0, at) + text + whole.slice(at + old.length), 'latin1')
}
