/** M-STaR in the world of charts, part by part: what the example and the ablation run. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { train, trainRewardModel } from '@evolmm/mstar'
import { stepQuestionPrompt, stepRationalePrompt, stepSets, writeAskedCharts } from '@evolmm/tiny-world'

/** A model that answers at once. */
export const checkpoint = fileURLToPath(
  new URL('../../packages/tiny-world/checkpoint-rationales', import.meta.url),
)

/** What all parts share: how a question is asked, and how an answer is read. */
const world = {
  question_prompt: stepQuestionPrompt,
  scorer: 'exact',
  max_new_tokens: 48,
  num_generations: 8,
  questions_per_run: 16,
  device: 'cpu',
  threads: 1,
}
const learning = { batch_size: 32, lr: 2e-4 }
const output = { tensorboard: false, report: false }

/** The warm-up: rationales for answers that are told, of which those are learned that end in the answer. */
export const warmup = { ...learning, total_steps: 20, interval: 300, most_lessons: 640 }

/** The reward model: values of steps are shares of right ones among so many completions. */
export const reward = {
  num_questions: 240,
  num_generations: 8,
  most_answers: 4,
  num_pairs: 480,
  num_completions: 4,
  total_steps: 60,
  batch_size: 8,
  lr: 1e-3,
  lora_r: 16,
}

/** The cycles of Generate and Improve: every one draws `num_generations` answers to `interval` of the questions. */
export const cycles = { ...learning, total_steps: 64 }

/**
 * Writes the questions that are learned from and those that are watched, and returns their files. Sizes are numbers of charts,
 * with two questions each.
 */
export async function writeQuestions(folder, sizes) {
  const sets = stepSets(sizes)
  const files = {}
  for (const name of ['train', 'unlabelled', 'validation'])
    if (sets[name].length > 0) files[name] = await writeAskedCharts(folder, name, sets[name])
  return files
}

/** Each of these returns what its run returns, and where the model is. A run that is finished is not run again. */
export async function warmUp({ data, folder, ...given }) {
  const told = { give_answers: true, rationale_prompt: stepRationalePrompt }
  return improve({ ...warmup, ...told, model: checkpoint, data, folder, ...given })
}

export async function improve({ folder, ...given }) {
  const outcome = await train({ ...world, ...output, output_dir: folder, ...given })
  return { ...outcome, model: join(folder, 'model') }
}

/** The completer is the model itself. */
export async function learnReward({ folder, ...given }) {
  const settings = { ...world, ...output, ...reward, ...given }
  const warmup_steps = Math.round(settings.total_steps / 10)
  const outcome = await trainRewardModel({ ...settings, warmup_steps, output_dir: folder })
  return { ...outcome, model: outcome.folder }
}
