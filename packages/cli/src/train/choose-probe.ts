/** The evaluation probe of `evolmm train`: labelled questions, asked and understood as the solver is in training. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { EvolmmError } from '@evolmm/internal'
import { probe, type ProbeItem } from '@evolmm/eval'
import { parseAnswer } from '@evolmm/rewards'
import { normalizer, solverPrompt, type EvolmmSettings, type Probe } from '@evolmm/trainer'

type Line = { image?: unknown; question?: unknown; answer?: unknown } | null

export async function chooseProbe(config: EvolmmSettings): Promise<Probe | undefined> {
  if (config.probe_data === null) return undefined
  const items = await readItems(config.probe_data)
  const { system_prompt: system, untagged_answers: untagged } = config
  const normalize = normalizer(config)
  const ask = solverPrompt(config)
  const own = {
    prompt: (question: string) => ask({ question, image: '', step: 0 }),
    ...(system !== null && { system }),
    judge: (text: string, answers: readonly string[] | null) => {
      const key = normalize(parseAnswer(text, { untagged }).answer)
      return { key, right: answers?.some((answer) => key !== null && normalize(answer) === key) ?? null }
    },
  }
  return {
    every: config.probe_every,
    run: async ({ vlm, adapter }) => {
      const found = await probe({
        sampler: vlm,
        adapter,
        items,
        own,
        limit: config.probe_limit ?? undefined,
        samples: config.probe_samples,
        temperature: config.temp,
        maxNewTokens: config.max_new_tokens_solver,
        batchSize: 8,
        seed: config.seed,
      })
      const numbers: Record<string, number> = {}
      for (const [name, value] of Object.entries(found)) {
        if (typeof value !== 'number') continue
        numbers[name] = value
        if (name === 'accuracy' || name === 'majority')
          [numbers[`${name}_low`], numbers[`${name}_high`]] = wilson(value, found.questions)
      }
      return numbers
    },
  }
}

/** 95 % interval of a share of `count` questions. */
function wilson(share: number, count: number): [number, number] {
  const z = 1.96
  const centre = share + z ** 2 / (2 * count)
  const half = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))
  const scale = 1 + z ** 2 / count
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)]
}

/** Images are relative to the file. */
async function readItems(file: string): Promise<ProbeItem[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').map((text, index) => ({ text, line: index + 1 }))
  const items = lines
    .filter(({ text }) => text.trim() !== '')
    .map(({ text, line }): ProbeItem => {
      const { image, question, answer } = parse(text) ?? {}
      const answers = [answer].flat()
      if (
        typeof image !== 'string' ||
        typeof question !== 'string' ||
        !answers.every((each) => typeof each === 'string' || typeof each === 'number')
      )
        throw invalid(
          file,
          `line ${line} must be an object with image, question and answer`,
          text.slice(0, 80),
        )
      return { image: resolve(dirname(file), image), question, answer: answers }
    })
  if (items.length === 0) throw invalid(file, 'must have a question in it', 'none')
  return items
}

function parse(text: string): Line {
  try {
    return JSON.parse(text) as Line
  } catch {
    return null
  }
}

function invalid(file: string, rule: string, got: string): EvolmmError {
  return new EvolmmError('INVALID_OPTION', `--probe_data ${file}: ${rule}, got ${got}; correct the file`, {
    details: { option: 'probe_data', file },
  })
}
