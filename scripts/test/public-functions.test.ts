/**
 * Every public function of every package, called as plain JavaScript lets one call it: with nothing, with null, and with
 * values of wrong kinds. What comes is a value or an `EvolmmError`, never an error of the language; and where something is
 * needed, nothing and null are refused.
 */
import { join } from 'node:path'
import { inspect } from 'node:util'
import { EvolmmError } from '../../packages/internal/src/index'
import { temporaryFolder } from '../../packages/internal/testing/index'
import { beforeEach, expect, test, vi } from 'vitest'
import * as dataset from '../../packages/dataset/src/index'
import * as evaluation from '../../packages/eval/src/index'
import * as hub from '../../packages/hub/src/index'
import * as mstar from '../../packages/mstar/src/index'
import * as onnx from '../../packages/onnx/src/index'
import * as plan from '../../packages/plan/src/index'
import * as report from '../../packages/report/src/index'
import * as rewards from '../../packages/rewards/src/index'
import * as rlCore from '../../packages/rl-core/src/index'
import * as runs from '../../packages/runs/src/index'
import * as safetensors from '../../packages/safetensors/src/index'
import * as settings from '../../packages/settings/src/index'
import * as sft from '../../packages/sft/src/index'
import * as trainer from '../../packages/trainer/src/index'
import * as vlm from '../../packages/vlm/src/index'

const packages: Readonly<Record<string, object>> = {
  ...{ dataset, eval: evaluation, hub, onnx, plan, report, rewards, 'rl-core': rlCore, runs, safetensors },
  ...{ mstar, settings, sft, trainer, vlm },
}

/** Those that are called otherwise, and why. */
const reasons = {
  graph:
    'it puts a node into a graph, or reads one: its values come from the graph alone, and from TypeScript that builds it',
  row: 'it declares a setting of a method, once, in TypeScript',
  schema: 'it takes a schema, which only `schema` makes',
  method: 'it is for authors of methods and trackers, and takes what `run` passes on',
  inner: 'it is called for every number that is drawn, and a check would take as long as the draw',
  error: 'it makes an error, or is one',
  runtime: 'its second value stands for the machine, in tests of our own',
  number: 'it writes or reads one number of a log, whatever that is',
} as const

const exceptions = new Map<string, keyof typeof reasons>()
const except = (reason: keyof typeof reasons, owner: string, ...names: string[]) => {
  for (const name of names) exceptions.set(`${owner}.${name}`, reason)
}
for (const name of Object.keys(packages)) except('error', name, 'EvolmmError')
except('error', 'runs', 'invalidCheckpoint', 'orGoOnEarlier')
except('inner', 'rl-core', 'normal', 'uniform', 'philox4x32')
except('graph', 'onnx', 'Graph', 'adamWProgram', 'attention', 'checkExternalData', 'customOp', 'describe')
except('graph', 'onnx', 'differentiate', 'dropout', 'externalData', 'flattenParameters', 'gatedSilu')
except('graph', 'onnx', 'loraLinear', 'parameterLayout', 'policyLoss', 'quantizedLinear', 'rmsNorm', 'rotary')
except('graph', 'onnx', 'rowChunks')
except('graph', 'onnx', 'serialize', 'sliceParameters', 'tensorValues')
except('row', 'settings', 'amount', 'bytes', 'choice', 'custom', 'integer', 'list', 'number', 'prompt')
except('row', 'settings', 'loraRows', 'optimizerRows', 'schema', 'several', 'text', 'toggle')
except(
  'schema',
  'settings',
  'checkResolved',
  'closest',
  'describe',
  'formatSettings',
  'identityOf',
  'isDefault',
)
except('schema', 'settings', 'modelOptions', 'nameElsewhere', 'nameOption', 'optionsOf', 'partOf')
except('schema', 'settings', 'pixelOptions', 'readSources', 'resolve', 'settingNamed', 'settingsData')
except('schema', 'settings', 'settingsMarkdown', 'storedIdentity')
except('method', 'runs', 'chosenTrackers', 'compareIdentity', 'entryOf', 'guarded', 'jsonLines', 'logFile')
except('method', 'runs', 'metricsOf', 'runLog', 'tensorOf', 'truncateLog', 'valueOf')
except('method', 'sft', 'savedState', 'stateFrom')
except('number', 'runs', 'fromLogFields', 'fromLogNumber', 'fromLogNumbers', 'isLogNumber')
except('number', 'runs', 'toLogFields', 'toLogNumber', 'toLogNumbers')
except('runtime', 'vlm', 'availableMemory', 'chooseDevice', 'inspectRuntime')

type Call = (...values: unknown[]) => unknown

const functions = Object.entries(packages).flatMap(([owner, exported]) =>
  Object.entries(exported)
    .filter((entry): entry is [string, Call] => typeof entry[1] === 'function')
    .map(([name, call]) => [`${owner}.${name}`, call] as const),
)

/** Functions for which null says something. */
const takesNull = new Set(['rewards.normalizeCanonical', 'rewards.normalizeReleased'])

/** The text is a path where nothing is, so that nothing is written where the tests run. */
const wrong = (): [name: string, values: unknown[]][] => [
  ['nothing', []],
  ['null', [null]],
  ['{}', [{}]],
  ['a number', [7]],
  ['a text', [join(temporaryFolder(), 'none')]],
  ['a list', [[]]],
  ['a list of null', [[null]]],
  ['null twice', [null, null]],
  ['{} twice', [{}, {}]],
]

beforeEach(() => {
  // No name is looked for elsewhere.
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  vi.stubEnv('HF_HOME', temporaryFolder())
})

async function outcomeOf(call: Call, values: readonly unknown[]): Promise<unknown> {
  try {
    const isClass = Function.prototype.toString.call(call).startsWith('class')
    const made: unknown = isClass ? Reflect.construct(call, values) : call(...values)
    await (isGenerator(made) ? made.next() : made)
    return undefined
  } catch (error) {
    return error
  }
}

function isGenerator(value: unknown): value is AsyncGenerator {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value
}

test.each(functions.filter(([name]) => !exceptions.has(name)))('%s', async (name, call) => {
  const raw: string[] = []
  const taken: string[] = []
  for (const [said, values] of wrong()) {
    const outcome = await outcomeOf(call, values)
    if (outcome === undefined) taken.push(said)
    else if (!(outcome instanceof EvolmmError)) raw.push(`${said}: ${inspect(outcome)}`)
  }
  expect(raw).toEqual([])
  // A function that takes nothing, or options alone, may be given nothing.
  if (call.length > 0) expect(taken).not.toContain('nothing')
  if (call.length > 0 && !takesNull.has(name)) expect(taken).not.toContain('null')
})

/** What public functions make, as far as it is called by whoever asked for it. */
const made: [name: string, call: Call][] = [
  ...(['emaBaseline', 'groupNormalized', 'leaveOneOut', 'noBaseline'] as const).map(
    (name): [string, Call] => [
      `rl-core.${name}().estimate`,
      (...values) => rlCore[name]().estimate(values[0] as never, values[1] as never),
    ],
  ),
  ['rl-core.adaptiveKl().update', (...values) => rlCore.adaptiveKl().update(1, values[0] as never)],
  [
    'rl-core.temperatureGrid().search',
    (...values) => rlCore.temperatureGrid().search(values[0] as never, values[1] as never),
  ],
  [
    'rl-core.collapseDetector().observe',
    (...values) =>
      rlCore
        .collapseDetector({ entropyFloor: 0.01, patience: 3 })
        .observe(values[0] as never, values[1] as never),
  ],
  [
    'rl-core.AdamW.step',
    (...values) => new rlCore.AdamW({ size: 3 }).step(values[0] as never, values[1] as never),
  ],
]

test.each(made)('%s', async (_, call) => {
  for (const values of [[], [null], [{}], [7], [[1, 2, 3], null], [[[1, 2], null], null], [[['1']], null]])
    expect(await outcomeOf(call, values)).toBeInstanceOf(EvolmmError)
})

test('what is not called so is there, and has a reason', () => {
  const names = functions.map(([name]) => name)
  for (const [name, reason] of exceptions) {
    expect(names.concat('settings.EvolmmError')).toContain(name)
    expect(reasons[reason]).not.toBe('')
  }
})
