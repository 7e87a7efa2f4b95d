/** What a `trainer_state.json` must say: a table of rules, so that nothing of it is met for the first time in an iteration. */
import { isObject } from '@evolmm/internal'
import type { EmaState, KlState } from '@evolmm/rl-core'
import { roles } from './role'

export interface RoleData {
  kind: 'lora' | 'full'
  baseline: EmaState | null
  kl: KlState | null
  updates: number
  /** The number of steps that AdamW has made. */
  optimizer_step: number
}

type Check = (value: unknown) => boolean

interface SavedRule {
  path: readonly string[]
  /** What the value must be. */
  rule: string
  holds: Check
}

const isNumber: Check = (value) => Number.isFinite(value)
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isPositive: Check = (value) => isNumber(value) && Number(value) >= 0
const isText: Check = (value) => typeof value === 'string'
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(checks).every(([name, check]) => check(value[name]))
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)

const isQuestion = fields({ text: isText, majority: orNull(isText), logProbability: orNull(isNumber) })
const isStart = fields({
  shares: list(fields({ text: isText, count: isCount, share: isPositive })),
  mean: orNull(isPositive),
  count: isCount,
  logProbability: orNull(isNumber),
})

const rules: readonly SavedRule[] = [
  ...roles.flatMap((role): SavedRule[] => [
    { path: [role], rule: 'an object', holds: isObject },
    { path: [role, 'kind'], rule: 'lora or full', holds: (value) => value === 'lora' || value === 'full' },
    {
      path: [role, 'baseline'],
      rule: 'null or a baseline that is a number or null',
      holds: orNull(fields({ baseline: orNull(isNumber) })),
    },
    {
      path: [role, 'kl'],
      rule: 'null or a coefficient of 0 or more',
      holds: orNull(fields({ coefficient: isPositive })),
    },
    { path: [role, 'updates'], rule: 'a count', holds: isCount },
    { path: [role, 'optimizer_step'], rule: 'a count', holds: isCount },
  ]),
  { path: ['watch'], rule: 'an object', holds: isObject },
  {
    path: ['watch', 'questions'],
    rule: 'a list of texts, each with its majority and log-probability',
    holds: list(isQuestion),
  },
  { path: ['watch', 'start'], rule: 'null or the shares of the first questions', holds: orNull(isStart) },
  {
    path: ['watch', 'kl'],
    rule: 'divergences by role',
    holds: (value) => isObject(value) && Object.values(value).every(isNumber),
  },
  {
    path: ['watch', 'collapse'],
    rule: 'two counts',
    holds: fields({ lowEntropy: isCount, equalRewards: isCount }),
  },
  { path: ['dataset'], rule: 'an object', holds: isObject },
]

/** The first rule that does not hold; `undefined` for a whole state. */
export function faultOf(
  data: Readonly<Record<string, unknown>>,
): { name: string; rule: string; got: string } | undefined {
  for (const { path, rule, holds } of rules) {
    const value = path.reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>>)[name], data)
    if (!holds(value))
      return {
        name: path.join('.'),
        rule,
        got: value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100),
      }
  }
  return undefined
}
