/** Lessons for supervised learning, made of answers on disk: `evolmm mstar select`. */
import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { shuffledOrder, type ImageFile } from '@evolmm/dataset'
import { checkObject } from '@evolmm/internal'
import { isThere, makeFolder, removeLeftovers, replaceFile, unwritable } from '@evolmm/internal/node'
import { resolve } from '@evolmm/settings'
import { chooseAlpha } from '../choose-alpha'
import { EvolmmError } from '../errors'
import type { JournalReader } from '../journal'
import { judgedAnswers } from '../judged-answers'
import { keptPlaces, type KeptPlace } from '../kept-places'
import { openQuestions, type Questions } from '../open-questions'
import { questionPrompt } from '../question-prompt'
import type { GeneratedRecord } from '../record'
import type { Rollout } from '../rollout'
import type { RolloutsHead } from '../rollouts-file'
import { selectionOf } from '../selection-of'
import { readAnswers } from './rollouts-files'
import { selectSettings, type SelectGiven, type SelectSettings } from './select-settings'
import { withFolder } from './with-folder'

export interface SelectedLessons extends GeneratedRecord {
  /** The path of the file of lessons. */
  file: string
  /** The score above which answers were kept; null for other selections. */
  alpha: number | null
}

/**
 * A line for each answer that is kept, as `evolmm sft --data` reads it, in the order of the questions. The file is the old one or
 * the whole new one at any moment. Throws what reading throws, `NO_SCORES`, and `INVALID_ROLLOUTS` for answers to other questions.
 */
export async function selectLessons(given: SelectGiven): Promise<SelectedLessons> {
  checkObject('given', given)
  const settings = resolve(selectSettings, given)
  const { output_dir: folder, lessons: name } = settings
  return withFolder(folder, async (defer) => {
    const questions = await openQuestions(settings.data)
    defer(() => questions.close())
    const rollouts = await readAnswers(folder, settings.rollouts)
    defer(() => rollouts.close())
    checkQuestions(rollouts, questions, settings)
    const alpha = await alphaOf(settings)
    const selection = selectionOf({ ...settings, select_alpha: alpha }, 0)
    const { kept, counts } = await keptPlaces([{ rollouts, questions, isVoted: settings.vote }], selection)
    const some = atMost(kept, settings)
    const file = join(folder, 'lessons', `${name}.jsonl`)
    await makeFolder(dirname(file)).catch(unwritable(file))
    await removeLeftovers(dirname(file), `${name}.jsonl.`).catch(unwritable(file))
    await replaceFile(file, async (output) => {
      for await (const line of lessonLines(some, { rollouts, questions, settings }))
        await output.write(`${JSON.stringify(line)}\n`)
    })
    return { ...counts, kept: some.length, file, alpha }
  })
}

function checkQuestions(
  { head }: { head: RolloutsHead },
  questions: Questions,
  { data }: SelectSettings,
): void {
  if (!('data' in head) || head.data === questions.revision) return
  throw new EvolmmError(
    'INVALID_ROLLOUTS',
    `data: must be the questions that were answered, got others in ${data}; give the file that the answers were made from`,
    { details: { option: 'data' } },
  )
}

async function alphaOf(settings: SelectSettings): Promise<number | null> {
  const { selection, select_alpha: alpha, validation_rollouts: validation, output_dir: folder } = settings
  if (selection !== 'threshold') return null
  if (alpha !== null || validation === null) return alpha
  const rollouts = await readAnswers(folder, validation)
  try {
    return chooseAlpha(await judgedAnswers(rollouts))
  } finally {
    await rollouts.close()
  }
}

/** Some of them by chance, in their order. */
function atMost(
  kept: readonly KeptPlace[],
  { most_lessons: most, seed }: Pick<SelectSettings, 'most_lessons' | 'seed'>,
): KeptPlace[] {
  if (most === null || kept.length <= most) return [...kept]
  const drawn = shuffledOrder({ length: kept.length, seed, epoch: 0 }).slice(0, most).sort()
  return Array.from(drawn, (i) => kept[i])
}

interface Sources {
  rollouts: JournalReader<Rollout>
  questions: Questions
  settings: SelectSettings
}

async function* lessonLines(kept: readonly KeptPlace[], { rollouts, questions, settings }: Sources) {
  const prompt = questionPrompt(settings)
  for (const { place, answer } of kept) {
    const { question: number, answers } = await rollouts.at(place)
    const question = await questions.at(number)
    const images: string[] = []
    for (const image of question.images) images.push(await imageOnDisk(image, settings.output_dir))
    yield { images, turns: [{ prompt: prompt(question), completion: answers[answer].text }] }
  }
}

/** The path of an image; one that lies within the file of questions is written beside the lessons. */
async function imageOnDisk(image: ImageFile, folder: string): Promise<string> {
  if (typeof image === 'string') return image
  const name = join('images', createHash('sha256').update(image).digest('hex'))
  const file = join(folder, 'lessons', name)
  if (await isThere(file)) return name
  await makeFolder(join(folder, 'lessons', 'images')).catch(unwritable(file))
  await replaceFile(file, image)
  return name
}
