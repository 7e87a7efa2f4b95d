/**
 * The bytes are compared with those that Google's own library wrote (fixtures/make-tensorboard.py) and read back with a
 * generic protobuf decoder that is given the field numbers of TensorBoard's published event.proto and summary.proto. With
 * Python's tensorboard 2.21.0, its plugin_event_accumulator read the files of a run that was stopped after step 7 and
 * went on from step 5 (by hand, 2026-11-21): all CRCs right, steps 1 to 9 once each, for the plugins scalars, text, images.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { create, createFileRegistry, fromBinary, toJson } from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { tensorboard, type RunInfo, type TensorboardOptions } from '../src'
import { crc32c } from '../src/trackers/tensorboard/crc32c'
import { eventRecord, type Event } from '../src/trackers/tensorboard/event-record'
import { entry, record } from './support/entries'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-tensorboard-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('CRC-32C of the vectors of RFC 3720, B.4, and of the usual check text', () => {
  const bytes = (value: (i: number) => number) => Uint8Array.from({ length: 32 }, (_, i) => value(i))
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(bytes(() => 0))).toBe(0x8a9136aa)
  expect(crc32c(bytes(() => 0xff))).toBe(0x62a8ab43)
  expect(crc32c(bytes((i) => i))).toBe(0x46dd794e)
  expect(crc32c(bytes((i) => 31 - i))).toBe(0x113fdb5c)
})

test('records are byte for byte those of the reference library', () => {
  const read = (name: string) => readFileSync(new URL(`./fixtures/${name}`, import.meta.url))
  const events = JSON.parse(read('tensorboard-events.json').toString(), (key, value: unknown) => {
    if (key === 'scalar') return Number(value)
    if (key !== 'image') return value
    const { base64, ...size } = value as { base64: string }
    return { ...size, bytes: Buffer.from(base64, 'base64') }
  }) as Event[]
  expect(Buffer.concat(events.map(eventRecord)).toString('hex')).toBe(
    read('tensorboard-events.bin').toString('hex'),
  )
})

function info(startStep = 0): RunInfo {
  return { name: 'run', folder, config: {}, totalSteps: 9, startStep, probe: { chartqa: 0.25 } }
}

/** Logs steps `from` to `to` and finishes. */
async function run(from: number, to: number, options: TensorboardOptions = {}): Promise<void> {
  const tracker = tensorboard({ clock: () => 1_795_270_000_500, ...options })
  await tracker.start(info(from - 1))
  for (let step = from; step <= to; step++) {
    const { parts } = record(step, { parts: 2 })
    await tracker.log(entry(step, { parts, picture: join(folder, 'image.png') }))
  }
  await tracker.flush()
  await tracker.finish({ step: to, status: 'finished' })
}

function files(): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('events.'))
    .sort()
}

interface Decoded {
  wallTime: number
  step?: string
  fileVersion?: string
  sessionLog?: { status: number }
  summary?: {
    value: {
      tag: string
      simpleValue?: number | string
      tensor?: { dtype: number; stringVal: string[] }
      metadata?: { pluginData: { pluginName: string } }
      image?: { width: number; height: number; colorspace: number; encodedImageString: string }
    }[]
  }
}

function events(index = 0): Decoded[] {
  const bytes = readFileSync(join(folder, files()[index]))
  const decoded: Decoded[] = []
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at))
    decoded.push(decode(bytes.subarray(at + 12, at + 12 + length)))
    at += 16 + length
  }
  return decoded
}

function decode(bytes: Uint8Array): Decoded {
  const registry = createFileRegistry(descriptor, () => undefined)
  const schema = registry.getMessage('tensorboard.Event')
  if (schema === undefined) throw new Error('no Event')
  return toJson(schema, fromBinary(schema, bytes)) as unknown as Decoded
}

/** Field numbers from TensorBoard's event.proto, summary.proto, tensor.proto and tensor_shape.proto. */
const descriptor = create(FileDescriptorProtoSchema, {
  name: 'event.proto',
  package: 'tensorboard',
  syntax: 'proto3',
  messageType: [
    message('Event', [
      ['wall_time', 1, Type.DOUBLE],
      ['step', 2, Type.INT64],
      ['file_version', 3, Type.STRING],
      ['summary', 5, 'Summary'],
      ['session_log', 7, 'SessionLog'],
    ]),
    message('SessionLog', [['status', 1, Type.INT32]]),
    message('Summary', [['value', 1, 'Value', Label.REPEATED]]),
    message('Value', [
      ['tag', 1, Type.STRING],
      ['simple_value', 2, Type.FLOAT],
      ['image', 4, 'Image'],
      ['tensor', 8, 'Tensor'],
      ['metadata', 9, 'Metadata'],
    ]),
    message('Image', [
      ['height', 1, Type.INT32],
      ['width', 2, Type.INT32],
      ['colorspace', 3, Type.INT32],
      ['encoded_image_string', 4, Type.BYTES],
    ]),
    message('Tensor', [
      ['dtype', 1, Type.INT32],
      ['string_val', 8, Type.BYTES, Label.REPEATED],
    ]),
    message('Metadata', [['plugin_data', 1, 'PluginData']]),
    message('PluginData', [['plugin_name', 1, Type.STRING]]),
  ],
})

function message(name: string, fields: [string, number, Type | string, Label?][]) {
  return {
    name,
    field: fields.map(([name, number, type, label = Label.OPTIONAL]) => ({
      name,
      jsonName: name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      number,
      label,
      ...(typeof type === 'string' ? { type: Type.MESSAGE, typeName: `.tensorboard.${type}` } : { type }),
    })),
  }
}

test('a new run writes one file: version, probe, then the numbers of each step', async () => {
  await run(1, 3)
  expect(files()).toEqual([`events.out.tfevents.1795270000.${hostname()}.${process.pid}.0`])
  const [version, session, probe, ...steps] = events()
  expect(session).toMatchObject({ step: '1', sessionLog: { status: 1 } })
  expect(version).toEqual({ wallTime: 1795270000.5, fileVersion: 'brain.Event:2' })
  expect(probe.summary?.value).toEqual([{ tag: 'eval/chartqa', simpleValue: 0.25 }])
  expect(steps.map(({ step }) => step)).toEqual(['1', '2', '3'])
  for (const [i, { summary }] of steps.entries()) {
    const numbers = summary?.value.filter(({ tensor }) => tensor === undefined) ?? []
    expect(Object.fromEntries(numbers.map(({ tag, simpleValue = 0 }) => [tag, simpleValue]))).toEqual(
      Object.fromEntries(
        Object.entries(entry(i + 1).metrics).map(([name, value]) => [
          name,
          expect.closeTo(value, 6) as number,
        ]),
      ),
    )
  }
})

test('texts are there for the plugin that shows them, at the steps that were asked for', async () => {
  await run(1, 4, { textsEvery: 2 })
  const texts = events()
    .slice(3)
    .map(({ summary }) => summary?.value.filter(({ tensor }) => tensor !== undefined) ?? [])
  expect(texts.map((each) => each.length)).toEqual([0, 2, 0, 2])
  const [question, all] = texts[1]
  expect(question).toMatchObject({
    tag: 'text/first',
    metadata: { pluginData: { pluginName: 'text' } },
    tensor: { dtype: 7 },
  })
  expect(Buffer.from(question.tensor?.stringVal[0] ?? '', 'base64').toString()).toBe(
    '    How many bars (2.0)?',
  )
  expect(Buffer.from(all.tensor?.stringVal[0] ?? '', 'base64').toString()).toBe(
    '    How many bars (2.0)?\n    How many bars (2.1)?',
  )
})

test('images are small PNGs at the steps that were asked for; one that is gone is left out', async () => {
  await sharp({ create: { width: 1024, height: 256, channels: 4, background: '#ff000000' } })
    .png()
    .toFile(join(folder, 'image.png'))
  await run(1, 4, { imagesEvery: 3 })
  const images = events()
    .slice(3)
    .map(({ summary }) => summary?.value.find(({ tag }) => tag === 'vis/image')?.image)
  expect(images.map((image) => image !== undefined)).toEqual([false, false, true, false])
  expect(images[2]).toMatchObject({ width: 512, height: 128, colorspace: 3 })
  const { data, info: size } = await sharp(Buffer.from(images[2]?.encodedImageString ?? '', 'base64'))
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect([size.width, size.height, size.channels, ...data.subarray(0, 3)]).toEqual([
    512, 128, 3, 255, 255, 255,
  ])

  rmSync(join(folder, 'image.png'))
  await run(5, 6, { imagesEvery: 6 })
  expect(
    events(1)
      .at(-1)
      ?.summary?.value.some(({ image }) => image !== undefined),
  ).toBe(false)
})

test('a run that goes on writes another file, later by name, that takes back what came after its start', async () => {
  await run(1, 7)
  await run(6, 9)
  await run(8, 9, { clock: () => 1_000 })
  const names = files()
  expect(names.map((name) => name.split('.')[3])).toEqual(['1795270000', '1795270001', '1795270002'])
  expect(events(1).slice(0, 2)).toMatchObject([
    { fileVersion: 'brain.Event:2' },
    { step: '6', sessionLog: { status: 1 } },
  ])
  expect(events(1).map(({ step }) => step)).toEqual([undefined, '6', '6', '7', '8', '9'])
})
