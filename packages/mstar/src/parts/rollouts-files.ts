/** Answers in the folder of a run by their name. Those that a reward model has scored later lie beside them. */
import { join } from 'node:path'
import { isThere } from '@evolmm/internal/node'
import { readRollouts } from '../rollouts-file'

export const answersFile = (folder: string, name: string): string => join(folder, 'rollouts', `${name}.jsonl`)

export const scoredFile = (folder: string, name: string): string => answersFile(folder, `${name}_scored`)

/** The scored ones where there are some. */
export async function readAnswers(folder: string, name: string): ReturnType<typeof readRollouts> {
  const scored = scoredFile(folder, name)
  return readRollouts((await isThere(scored)) ? scored : answersFile(folder, name))
}
