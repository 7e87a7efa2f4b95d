/** `--gen_kwargs`: how answers are generated, instead of what each task says. */
import { checkOneOf, parseInteger, parseNumber } from '@evolmm/internal'
import type { GenerationOverrides } from '@evolmm/eval'
import { EvolmmError } from '../errors'
import { parsePairs } from './parse-pairs'

const keys = ['max_new_tokens', 'temperature', 'top_p', 'do_sample', 'num_beams', 'until']

export function parseGenKwargs(value: string): GenerationOverrides {
  const pairs = parsePairs('--gen_kwargs', value, keys)
  const read = <T>(key: string, parse: (name: string) => (text: string) => T): T | undefined => {
    const text = pairs.get(key)
    return text === undefined ? undefined : parse(`--gen_kwargs ${key}`)(text)
  }
  read('num_beams', (name) => (text) => checkOneOf(name, text, ['1']))
  const temperature = read('temperature', (name) => (text) => parseNumber(name, text, { min: 0 }))
  const sampled = read(
    'do_sample',
    (name) => (text) => checkOneOf(name, text.toLowerCase(), ['true', 'false']),
  )
  if (sampled === 'true' && temperature === 0)
    throw new EvolmmError(
      'INVALID_OPTION',
      '--gen_kwargs: must sample at a temperature above 0, got do_sample=true with temperature=0; leave one out',
    )
  return {
    maxNewTokens: read('max_new_tokens', (name) => (text) => parseInteger(name, text, { min: 1 })),
    temperature: sampled === 'false' ? 0 : (temperature ?? (sampled === 'true' ? 1 : undefined)),
    topP: read('top_p', (name) => (text) => parseNumber(name, text, { above: 0, max: 1 })),
    until: read('until', () => (text) => (text === '' ? [] : [text])),
  }
}
