/** What two roles take together. */

export type MergedPart =
  | 'runtime'
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
 * their own, which on the CPU map the same file, they are of `one backbone`; with two models they are `apart`.
 */
export type Relation = 'one' | 'one backbone' | 'apart'

export function mergeParts(
  [a, b]: readonly [Record<MergedPart, number>, Record<MergedPart, number>],
  relation: Relation,
  cpu: boolean,
): Record<MergedPart, number> {
  const larger = (part: MergedPart): boolean =>
    relation === 'one' ||
    part === 'runtime' ||
    (relation === 'one backbone' && (part === 'encode' || (part === 'weights' && cpu)))
  const parts = Object.keys(a) as MergedPart[]
  return Object.fromEntries(
    parts.map((part) => [part, larger(part) ? Math.max(a[part], b[part]) : a[part] + b[part]]),
  ) as Record<MergedPart, number>
}
