/** The settings of M-STaR, once: options, flags, variables, files, checks and help are made from them. */
import { defaultSeed } from '@evolmm/dataset'
import { scorerNames } from '@evolmm/rewards'
import { adamWDefaults } from '@evolmm/rl-core'
import { runRows, trackingRows } from '@evolmm/runs'
import {
  absentTraining,
  amount,
  choice,
  custom,
  integer,
  modelRows,
  number,
  optimizerRows,
  pixelRows,
  pixelRule,
  prompt,
  samplingRows,
  schema,
  text,
  toggle,
  type GivenOf,
  type SettingsOf,
} from '@evolmm/settings'
import { loraNeed, trainedRows } from '@evolmm/sft'
import { selectionRules } from './select-answers'
import { stepRules } from './split-steps'

/** What is asked about a question. */
export type QuestionPrompt = (about: { question: string; options: readonly string[] }) => string

export const questionRows = {
  data: text(null, 'questions with answers: JSON lines, parquet, or a list such as MathV360K', {
    value: 'file',
    required: true,
    identity: false,
    elsewhere: ['dataset_name', 'dataset', 'data.train_files'],
  }),
  validation: text(null, 'questions with answers that are watched after each cycle', {
    value: 'file',
    otherwise: 'none',
    identity: false,
    elsewhere: ['eval_dataset', 'data.val_files'],
  }),
  unlabelled: text(null, 'further questions, whose label is what their answers vote for', {
    value: 'file',
    otherwise: 'none',
    identity: false,
  }),
  unlabelled_from: number(0, 'share of the steps after which they are mixed in', {
    min: 0,
    max: 1,
    identity: true,
  }),
  oracle: toggle(false, 'take the labels that the further questions have after all', { identity: true }),
  interval: amount(0.25, 'questions of a cycle: a number, or a share of all', {
    above: 0,
    identity: true,
    elsewhere: ['data.train_batch_size'],
  }),
  question_prompt: prompt(null, 'what is asked; {question} stands for the question with its options', {
    otherwise: 'to reason step by step and to end with "The answer is …"',
    custom: custom<QuestionPrompt>('({ question, options }) => text'),
    identity: true,
  }),
  give_answers: toggle(
    false,
    'tell the right answer where rationales are asked for, and not where they are learned',
    {
      identity: true,
    },
  ),
  rationale_prompt: prompt(null, 'what is asked then; {question} and {answer} stand for them', {
    otherwise: 'to explain step by step how the answer comes about, and to end with it',
    identity: true,
  }),
  system: text(null, 'system message', {
    otherwise: "the chat template's",
    verbatim: true,
    identity: true,
  }),
  scorer: choice(scorerNames, 'the rule that compares answers', {
    default: null,
    otherwise: 'options where there are some, equal values else',
    identity: true,
  }),
}

const { max_new_tokens, temperature, top_p, top_k } = samplingRows

export const generationRows = {
  num_generations: integer(16, 'answers to each question', {
    min: 1,
    identity: true,
    elsewhere: ['rollout.n', 'num_return_sequences'],
  }),
  temperature: { ...temperature, default: 1, help: 'temperature of the answers' },
  top_p,
  top_k,
  max_new_tokens: { ...max_new_tokens, default: 512 },
  questions_per_run: integer(8, 'questions that are answered in one run', { min: 1, identity: false }),
}

export const selectionRows = {
  selection: choice(selectionRules, 'which right answers are learned', { identity: true }),
  select_k: integer(2, 'answers that are kept of a question', { min: 1, identity: true }),
  select_alpha: number(null, 'score above which an answer is kept', {
    otherwise: 'chosen on validation answers before each cycle',
    identity: true,
  }),
  reward_model: text(null, 'adapter with a value head, which scores steps', {
    value: 'dir',
    otherwise: 'none',
    identity: true,
  }),
  most_lessons: integer(null, 'kept answers that a cycle learns at most, drawn at random', {
    min: 1,
    otherwise: 'all',
    identity: true,
  }),
  steps_by: choice(stepRules, 'what ends a step', { identity: true }),
}

const optimizer = optimizerRows(adamWDefaults)

const improvement = {
  variant: choice(
    ['continuous', 'rft', 'restem', 'sft'],
    'what a cycle begins with: all goes on; last weights and a new optimizer; first weights and a new optimizer; or bare answers are learned',
    {
      identity: true,
    },
  ),
  total_steps: { ...runRows.total_steps, default: 10_000, help: 'optimizer steps', identity: true },
  batch_size: integer(128, 'answers of an optimizer step', {
    min: 1,
    identity: true,
    elsewhere: ['per_device_train_batch_size'],
  }),
  micro_batch_size: integer(null, 'answers of one gradient; those of a step are added up', {
    min: 1,
    otherwise: 'all of a step',
    identity: true,
  }),
  lr: { ...optimizer.lr, default: 1e-6 },
  lr_scheduler: optimizer.lr_scheduler,
  warmup_ratio: number(0.1, 'share of the steps in which the learning rate rises', {
    min: 0,
    max: 1,
    identity: true,
    elsewhere: ['warmup_steps'],
  }),
  weight_decay: optimizer.weight_decay,
  beta1: optimizer.beta1,
  beta2: optimizer.beta2,
  grad_clip: { ...optimizer.grad_clip, min: 0, help: 'largest norm of a gradient, 0 for any' },
  gradient_checkpointing: optimizer.gradient_checkpointing,
  seed: integer(defaultSeed, 'seed of answers, order and a new adapter', {
    min: 0,
    identity: true,
    elsewhere: ['data_seed'],
  }),
}

const watching = {
  adaptive_temperature: toggle(false, 'choose the temperature by Reward-Pass@2 on validation questions', {
    identity: true,
  }),
  temperature_every: integer(2, 'cycles from one choice of the temperature to the next', {
    min: 1,
    identity: true,
  }),
  sweep_questions: integer(null, 'validation questions that a choice of the temperature asks', {
    min: 1,
    otherwise: 'all',
    identity: true,
  }),
}

const output = {
  output_dir: text(null, 'folder of the run', { value: 'dir', required: true, identity: false }),
  resume: runRows.resume,
  save_every: runRows.save_every,
  max_checkpoints: runRows.max_checkpoints,
}

const one = 'a run is one process here'

/** The rows by the title of their group. */
export const mstarRows = {
  Model: { ...modelRows, ...pixelRows },
  'What is trained': trainedRows,
  Questions: questionRows,
  Generate: generationRows,
  Select: selectionRows,
  Improve: improvement,
  Watch: watching,
  Output: output,
  Tracking: trackingRows,
}

export const mstarSettings = schema({
  name: 'M-STaR',
  groups: mstarRows,
  needs: [
    loraNeed,
    {
      settings: ['rationale_prompt'],
      needed: (the) => the('give_answers'),
      holds: (settings) => settings.give_answers,
    },
    {
      settings: ['unlabelled_from', 'oracle'],
      needed: (the) => the('unlabelled'),
      holds: (settings) => settings.unlabelled !== null,
    },
    {
      settings: ['temperature_every', 'sweep_questions'],
      needed: (the) => the('adaptive_temperature'),
      holds: (settings) => settings.adaptive_temperature,
    },
  ],
  rules: [
    pixelRule,
    {
      about: 'selection',
      wrong: ({ selection: rule, reward_model: model }, the) =>
        (rule === 'top-k' || rule === 'threshold') &&
        model === null &&
        `must have scores to go by, got ${rule} without ${the('reward_model')}; name one, or choose none or random-k`,
    },
    {
      about: 'select_alpha',
      wrong: ({ selection: rule, select_alpha: alpha, validation }, the) =>
        rule === 'threshold' &&
        alpha === null &&
        validation === null &&
        `must be given, or validation questions to choose it by, got neither; give it or ${the('validation')}`,
    },
    {
      about: 'adaptive_temperature',
      wrong: ({ adaptive_temperature: on, reward_model: model, validation }, the) =>
        on &&
        (model === null || validation === null) &&
        `must have validation questions and scores to go by, got neither or one; give ${the('validation')} and ${the('reward_model')}`,
    },
  ],
  absent: { ...absentTraining, gradient_accumulation_steps: 'see micro_batch_size', num_processes: one },
})

export type MstarSettings = SettingsOf<typeof mstarSettings>
export type MstarGiven = GivenOf<typeof mstarSettings>
