/** The settings of an evaluation, once: flags, variables, files, checks and help are made from them. */
import { scorerNames } from '@evolmm/rewards'
import {
  absentLaunching,
  adapterRows,
  adapterRule,
  amount,
  choice,
  integer,
  modelRows,
  pixelRows,
  pixelRule,
  samplingRows,
  schema,
  several,
  text,
  toggle,
  type RowsOf,
  type Rule,
  type Settings,
  type SettingsOf,
} from '@evolmm/settings'
import { openAi } from './judge'
import { scoringModes } from './task'

/** The longest answer in tokens to a question of a file or of a caller. */
export const defaultAnswerTokens = 64

const model = {
  ...modelRows,
  model: text(null, modelRows.model.help, {
    value: 'dir_or_id',
    otherwise: 'none',
    required: ({ tasks, compare }) => compare === null && tasks !== 'list',
    identity: true,
  }),
  model_args: text(null, "the model's flags as lmms-eval writes them: pretrained=, device=, …", {
    value: 'k=v,...',
    otherwise: 'none',
    identity: false,
  }),
  ...pixelRows,
  // The default is that of lmms-eval's model class.
  system_prompt: text('You are a helpful assistant.', 'system message; an empty one leaves it to the model', {
    verbatim: true,
    identity: true,
    elsewhere: ['system_instruction'],
  }),
}

const questions = {
  tasks: text(null, 'tasks, groups, .jsonl and .parquet files between commas; list shows them', {
    value: 'names',
    otherwise: 'none',
    required: ({ compare }) => compare === null,
    identity: true,
  }),
  limit: amount(null, 'rows of each task, below 1 a share of them', {
    otherwise: 'all',
    // As lmms-eval writes all.
    also: { '-1': 'none' },
    identity: true,
  }),
  offset: integer(0, 'rows of each task that are passed over', { min: 0, identity: true }),
  batch_size: integer(null, 'questions at a time', {
    min: 1,
    otherwise: 'as many as pay and memory has room for',
    // As lmms-eval writes it.
    also: { auto: 'none' },
    identity: false,
  }),
  gen_kwargs: text(null, "max_new_tokens, temperature, top_p, until instead of the task's", {
    value: 'k=v,...',
    otherwise: 'none',
    identity: true,
  }),
  seed: {
    ...samplingRows.seed,
    help: 'seed of everything that is drawn; of several the first counts',
    // lmms-eval takes those of Python, NumPy, PyTorch and examples; here one draws all.
    firstOfSeveral: true,
    also: { None: '0' },
  },
  include_path: text(null, 'module, or folder of modules, that exports more tasks', {
    value: 'path',
    otherwise: 'none',
    identity: true,
  }),
  data_dir: text(null, 'folder with copies of data sets', {
    value: 'dir',
    otherwise: 'the hub and its cache',
    identity: false,
  }),
  data_revision: text(null, 'branch, tag or commit of the data on the hub', {
    value: 'name',
    otherwise: 'main',
    identity: true,
  }),
}

const scores = {
  mode: choice(scoringModes, 'as lmms-eval, without its mistakes, or without a judge', {
    default: 'fixed',
    identity: true,
  }),
  judge_url: text(null, 'OpenAI-compatible endpoint that grades what rules cannot', {
    value: 'url',
    otherwise: "OpenAI's beside a judge_model, else nobody",
    option: 'baseUrl',
    must: {
      rule: 'be an http or https address',
      holds: (url) => /^https?:\/\/[^/]/.test(url),
      remedy: 'give the part before /chat/completions',
    },
    identity: true,
  }),
  judge_model: text(null, 'model that grades', { value: 'name', otherwise: openAi.model, identity: true }),
  scorer: choice(scorerNames, 'how .jsonl and .parquet files are scored', {
    default: 'exact',
    identity: true,
  }),
  predict_only: toggle(false, 'write answers down and score nothing', { identity: true }),
  with_base: toggle(false, 'run the model without its adapter too, and print both side by side', {
    identity: false,
  }),
  breakdown: toggle(false, 'print scores by properties of the rows too, such as subjects', {
    identity: false,
  }),
  diagnose: integer(
    null,
    'instead of a score: draw n answers to each question, and look at agreement and without the image',
    { min: 0, otherwise: 'a score', option: 'samples', identity: true },
  ),
  compare: several(null, 'two finished runs, results files or their folders, side by side', {
    value: 'runs...',
    otherwise: 'none',
    identity: false,
  }),
}

const output = {
  output_path: text(null, 'where results are written; without it a run cannot be continued', {
    value: 'dir',
    otherwise: 'nowhere',
    identity: false,
  }),
  log_samples: toggle(true, 'write each answer too; runs without cannot be compared', {
    identity: false,
  }),
  log_samples_suffix: text(null, 'what the names of files of answers end in', {
    otherwise: 'none',
    must: {
      rule: 'be letters, digits, "_", "-" and "."',
      holds: (suffix) => /^[\w.-]+$/.test(suffix),
      remedy: "it becomes part of a file's name",
    },
    identity: false,
  }),
}

const groups = {
  Model: model,
  Adapter: adapterRows,
  'What is asked': questions,
  Scores: scores,
  Output: output,
}
type EvalRows = RowsOf<typeof groups>

const rules: readonly Rule<EvalRows>[] = [
  pixelRule,
  adapterRule,
  {
    about: 'compare',
    wrong: ({ compare: runs, tasks }, the) =>
      runs !== null &&
      (tasks !== null
        ? `must go without ${the('tasks')}, since it reads runs that are finished, got both; leave one out`
        : runs.length !== 2 &&
          `must be given two runs, got ${runs.length}; name the base, then what it became`),
  },
  ...(['judge_url', 'judge_model'] as const).map((about) => ({
    about,
    wrong: (settings: Settings<EvalRows>) =>
      settings[about] !== null &&
      settings.mode === 'rule-based' &&
      'must not be given in mode rule-based, which asks nobody; leave one out',
  })),
  {
    about: 'diagnose',
    wrong: (settings, the) => {
      if (settings.diagnose === null) return false
      const beside = (['output_path', 'predict_only', 'with_base', 'breakdown'] as const).find(
        (name) => settings[name] !== null && settings[name] !== false,
      )
      return (
        beside !== undefined &&
        `must go without ${the(beside)}, got both; what it finds is on standard output, as JSON with --json`
      )
    },
  },
  {
    about: 'predict_only',
    wrong: (settings, the) =>
      settings.predict_only &&
      !isStored(settings) &&
      `must go with ${the('output_path')} and logged samples, got one of them missing; otherwise nothing is left of the run`,
  },
  {
    about: 'with_base',
    wrong: (settings, the) =>
      settings.with_base &&
      (!isStored(settings) || settings.adapter === null || settings.predict_only) &&
      `must go with ${the('adapter')}, ${the('output_path')} and logged samples, and without ${the('predict_only')}, got other flags; add what is missing`,
  },
]

function isStored({
  output_path: path,
  log_samples: logged,
}: {
  output_path: string | null
  log_samples: boolean
}) {
  return path !== null && logged
}

export const evalSettings = schema({ name: 'an evaluation', groups, rules, absent: absentLaunching })

/** The settings that say which rows of a task are asked, and how. */
const { limit, offset, seed, batch_size } = questions
const questionRows = { system_prompt: model.system_prompt, limit, offset, seed, mode: scores.mode }

/** Those that `taskQuestions` reads. */
export const questionSettings = schema({ name: 'questions', groups: { Questions: questionRows } })
export type QuestionSettings = SettingsOf<typeof questionSettings>

/** Those that `evaluate` reads; of the others the command makes its tasks, data, model and judge. */
export const evaluateSettings = schema({
  name: 'evaluate',
  groups: { Questions: { ...questionRows, batch_size }, Output: output },
})
export type EvaluateSettings = SettingsOf<typeof evaluateSettings>

const { max_new_tokens, temperature, top_p } = samplingRows
const samples = integer(8, 'answers drawn to each question', { min: 0, identity: true })
const blind = toggle(true, 'ask greedily without images too', { identity: true })

/** Those that `diagnose` reads. */
export const diagnoseSettings = schema({
  name: 'diagnose',
  groups: { Questions: { batch_size, blind }, Answers: { samples, temperature, top_p, max_new_tokens } },
})
export type DiagnoseSettings = SettingsOf<typeof diagnoseSettings>

/** Those that `probe` reads; it is small unless more is asked for. */
export const probeSettings = schema({
  name: 'probe',
  groups: {
    Questions: { limit, seed, batch_size, blind: { ...blind, default: false }, scorer: scores.scorer },
    Answers: {
      samples: { ...samples, default: 0 },
      temperature,
      max_new_tokens: integer(null, max_new_tokens.help, {
        ...{ min: 1, identity: true, otherwise: `the task's; ${defaultAnswerTokens} for items` },
      }),
    },
  },
})
export type ProbeSettings = SettingsOf<typeof probeSettings>

/** Every setting of an evaluation. */
export type EvalSettings = SettingsOf<typeof evalSettings>
