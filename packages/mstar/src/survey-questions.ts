/** What there is to ask, read once from first to last before a run: a row or a picture that is none is found before anything is done. */
import { checkNames, checkObject, checkText } from '@evolmm/internal'
import type { ImageFile } from '@evolmm/dataset'
import { imageSize } from '@evolmm/vlm'
import { EvolmmError } from './errors'
import type { NumberedQuestion } from './generate'
import { openQuestions } from './open-questions'
import { questionPrompt, rationalePrompt } from './question-prompt'
import type { MstarSettings } from './settings'

export interface QuestionsSurvey {
  /** The number of questions of each file; 0 where there is none. */
  questions: number
  validation: number
  unlabelled: number
  /** What is asked about the question that takes the most characters. */
  longestPrompt: string
  /** The most pictures that a question is about. */
  mostImages: number
  /** The sizes of all pictures, each once. */
  sizes: readonly { width: number; height: number }[]
}

/** Pictures whose headers are read at the same time. */
const atOnce = 32

/**
 * Throws what `openRows` throws, `INVALID_ROW` for a row that is no question, and `UNREADABLE_FILE` for a picture that is
 * none.
 */
export async function surveyQuestions(
  settings: Pick<
    MstarSettings,
    'data' | 'validation' | 'unlabelled' | 'question_prompt' | 'rationale_prompt' | 'give_answers'
  >,
): Promise<QuestionsSurvey> {
  checkObject('settings', settings)
  checkText('data', settings.data)
  const prompts = [questionPrompt(settings), ...(settings.give_answers ? [rationalePrompt(settings)] : [])]
  const seen = sizesSeen()
  let [longestPrompt, mostImages] = ['', 0]
  const count = async (file: string | null): Promise<number> => {
    if (file === null) return 0
    const questions = await openQuestions(file)
    try {
      const numbers = Array.from({ length: questions.length }, (_, i) => i)
      for await (const question of questions.some(numbers)) {
        for (const prompt of prompts.map((asked) => asked(question)))
          if (prompt.length > longestPrompt.length) longestPrompt = prompt
        mostImages = Math.max(mostImages, question.images.length)
        await seen.add(file, question)
      }
      return questions.length
    } finally {
      await questions.close()
    }
  }
  const found = {
    questions: await count(settings.data),
    validation: await count(settings.validation),
    unlabelled: await count(settings.unlabelled),
  }
  return { ...found, sizes: await seen.all(), longestPrompt, mostImages }
}

/** What a run would ask where no question is at hand: about one picture each, in some 80 words. */
export function assumeQuestions(
  settings: Pick<MstarSettings, 'question_prompt' | 'rationale_prompt' | 'give_answers'>,
  counts: Partial<Pick<QuestionsSurvey, 'questions' | 'validation' | 'unlabelled'>> & { questions: number },
): Omit<QuestionsSurvey, 'sizes'> {
  checkObject('settings', settings)
  checkNames('assumeQuestions', counts, { questions: true, validation: true, unlabelled: true })
  const promptFor = settings.give_answers ? rationalePrompt(settings) : questionPrompt(settings)
  const question = 'word '.repeat(assumedWords).trim()
  const assumed = { question, answers: ['word'], options: [], images: [], kind: null, source: null }
  return { validation: 0, unlabelled: 0, ...counts, longestPrompt: promptFor(assumed), mostImages: 1 }
}

const assumedWords = 80

/** The sizes of pictures, of which some are read at a time. A picture that several questions are about is read once. */
function sizesSeen() {
  const paths = new Set<string>()
  const sizes = new Map<string, { width: number; height: number }>()
  let waiting: { image: ImageFile; place: string }[] = []
  const read = async ({ image, place }: { image: ImageFile; place: string }) => {
    const size = await imageSize(image)
    if (size === undefined) throw noPicture(image, place)
    sizes.set(`${size.width}x${size.height}`, size)
  }
  const settle = async () => {
    const together = waiting
    waiting = []
    await Promise.all(together.map(read))
  }
  return {
    async add(file: string, { images, number }: NumberedQuestion): Promise<void> {
      for (const image of images) {
        if (typeof image === 'string' && paths.has(image)) continue
        if (typeof image === 'string') paths.add(image)
        waiting.push({ image, place: `${file}: question ${number + 1}` })
        if (waiting.length >= atOnce) await settle()
      }
    },
    async all() {
      await settle()
      return [...sizes.values()]
    },
  }
}

function noPicture(image: ImageFile, place: string): EvolmmError {
  const got = typeof image === 'string' ? image : `${image.length} bytes`
  return new EvolmmError(
    'UNREADABLE_FILE',
    `${place}: must be about pictures that can be read, got ${got}; restore the file, or correct the row`,
    { details: { place, ...(typeof image === 'string' && { file: image }) } },
  )
}
