/** What two roles take together. */
import { roles, type Role } from '@evolmm/trainer'

export type MergedPart =
  | 'runtime'
  | 'graphs'
  | 'learnGraph'
  | 'weights'
  | 'packed'
  | 'adapter'
  | 'gradient'
  | 'cache'
  | 'encode'
  | 'sample'
  | 'learn'
  | 'loss'
  | 'score'
  | 'scoreLoss'

/**
 * Two roles are `one` with the same programs of one backbone, in turn, so that the larger role counts. With programs of
 * their own, which share the weights, they are of `one backbone`; with two models they are `apart`.
 */
export type Relation = 'one' | 'one backbone' | 'apart'

/** What each learning program has for itself. */
const learned: readonly MergedPart[] = ['learn', 'loss', 'gradient', 'learnGraph']

/** `apartLearning`: prompts of one role are learned from in chunks and those of the other at once, by two programs. */
export function mergeParts(
  each: Record<Role, Record<MergedPart, number>>,
  { relation, apartLearning }: { relation: Relation; apartLearning: boolean },
): Record<MergedPart, number> {
  const larger = (part: MergedPart): boolean =>
    (relation === 'one' && !(apartLearning && learned.includes(part))) ||
    part === 'runtime' ||
    // What opening the programs of one role left is reused by those of the other, but not by another model's.
    (relation === 'one backbone' && ['encode', 'weights', 'graphs', 'learnGraph'].includes(part))
  const together = (part: MergedPart): number => {
    const bytes = roles.map((role) => each[role][part])
    return larger(part) ? Math.max(...bytes) : bytes.reduce((sum, own) => sum + own, 0)
  }
  const parts = Object.keys(each.solver) as MergedPart[]
  return Object.fromEntries(parts.map((part) => [part, together(part)])) as Record<MergedPart, number>
}
