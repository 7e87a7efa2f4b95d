/** A method that says two lines of each iteration, and what its iterations might be. */
import { entryOf, type Entry, type LogCodec, type LogLine, type RecordKind, type StepRecord } from '../../src'

export interface SampleRecord extends StepRecord {
  parts: { text: string; value: number | null }[]
  loss: number
  picture: string
  alarms: string[]
}

interface SampleLine extends LogLine {
  part: number
  parts: number
  text: string
  value: number | null
  loss: number
  picture: string
  alarms: string[]
  probe: Record<string, number> | null
}

const twoLines: LogCodec<SampleRecord, SampleLine> = {
  file: 'sample_log.jsonl',
  toLines: ({ parts, probe, step, loss, picture, alarms }) =>
    parts.map(({ text, value }, part) => ({
      schema_version: 1,
      ...{ step, part, parts: parts.length, text, value, loss, picture, alarms, probe: probe ?? null },
    })),
  fromLines: (lines) => {
    const [{ step, loss, picture, alarms, probe }] = lines
    return { step, parts: lines.map(({ text, value }) => ({ text, value })), loss, picture, alarms, probe }
  },
  isWhole: ({ part, parts, text }) =>
    Number.isSafeInteger(part) && Number.isSafeInteger(parts) && typeof text === 'string',
  placeOf: ({ part, parts }) => ({ place: part, count: parts }),
}

export const sampleKind: RecordKind<SampleRecord> = {
  name: 'sample',
  metrics: [
    { name: 'train/global_step', meaning: 'iterations done', read: ({ step }) => step },
    {
      name: 'reward',
      meaning: 'mean over parts',
      read: ({ parts }) => {
        const values = parts.map(({ value }) => value).filter((value) => value !== null)
        return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
      },
      status: 'reward',
    },
    {
      name: 'loss/mean',
      aliases: ['loss'],
      meaning: 'loss before the step',
      read: ({ loss }) => loss,
      status: 'loss',
    },
  ],
  log: twoLines,
  texts: ({ parts }) => ({
    'text/first': parts[0].text,
    'text/all': parts.map(({ text }) => text).join('\n'),
  }),
  picture: ({ picture, parts }) => ({ path: picture, caption: parts[0].text }),
  notices: ({ alarms }) => alarms.map((alarm) => `alarm: ${alarm}`),
}

export function record(step: number, { parts = 1 }: { parts?: number } = {}): SampleRecord {
  return {
    step,
    parts: Array.from({ length: parts }, (_, i) => ({ text: `How many bars (${step}.${i})?`, value: 0.45 })),
    loss: 0.015625,
    picture: `/data/images/${step}.png`,
    alarms: [],
    probe: null,
  }
}

export function entry(step: number, given: Partial<SampleRecord> = {}): Entry<SampleRecord> {
  return entryOf(sampleKind, { ...record(step), ...given })
}
