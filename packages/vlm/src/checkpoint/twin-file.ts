/**
 * Files that are made from a checkpoint once and kept: its weights in another form.
 *
 * A twin's name is a hash of what it is and of what the source is (real paths, sizes, times of change, headers), so a
 * source that changes has another twin. It is written aside and renamed: processes may race, and what a killed one leaves
 * behind is never used.
 */
import { createHash } from 'node:crypto'
import { readdir, rm, stat, statfs } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isThere, makeFolder, unreadable, unwritable } from '@evolmm/internal/node'
import { EvolmmError } from '../errors'
import type { CheckpointTensor } from './open-checkpoint'

export interface TwinOptions {
  /** Folder of twins, made if need be. @default `$XDG_CACHE_HOME/evolmm/weights`, or `~/.cache/evolmm/weights` */
  cacheDir?: string | undefined
  /** Called before a twin is written, not when one is found; `bytes` is its size. */
  onWrite?: ((twin: { file: string; bytes: number }) => void) | undefined
}

export interface Twin<T> extends TwinOptions {
  /** What it is, with everything that its bytes depend on besides the source. */
  kind: string
  /** The same in a message: "the weights as float32". */
  noun: string
  /** What it is made from. */
  tensors: readonly CheckpointTensor[]
  bytes: number
  /** Throws if the file is not a whole twin. */
  open: (file: string) => Promise<T>
  write: (file: string) => Promise<void>
}

/** The first tensor of a twin begins on a page. */
export const page = 4096

/** A left-over that nobody has written to for this long (ms) is a dead process's. */
const deadAfter = 3_600_000

/**
 * The twin, written if need be; a damaged one counts as absent and is replaced. Throws `NO_SPACE` before writing if the
 * disk is too full, `CHECKPOINT_CHANGED`, `UNREADABLE_FILE` or `UNWRITABLE_FILE`.
 */
export async function openTwin<T>(twin: Twin<T>): Promise<T> {
  const { cacheDir = defaultCacheDir(), kind, tensors, bytes, onWrite } = twin
  const key = await keyOf(kind, tensors)
  const file = join(cacheDir, `${key}.safetensors`)
  if (await isThere(file)) {
    const found = await twin.open(file).catch(() => undefined)
    if (found !== undefined) return found
  }
  await makeFolder(cacheDir).catch(unwritable(cacheDir))
  await removeLeftovers(cacheDir)
  await checkSpace(cacheDir, twin)
  onWrite?.({ file, bytes })
  await twin.write(file)
  if ((await keyOf(kind, tensors)) !== key) {
    await rm(file, { force: true })
    const changed = tensors[0]?.file ?? ''
    throw new EvolmmError(
      'CHECKPOINT_CHANGED',
      `${changed}: must stay as it is while its weights are written anew, got another version; open the checkpoint again`,
      { details: { file: changed } },
    )
  }
  return twin.open(file)
}

async function keyOf(kind: string, tensors: readonly CheckpointTensor[]): Promise<string> {
  const hash = createHash('sha256').update(`${kind}\n`)
  for (const file of [...new Set(tensors.map((tensor) => tensor.file))].sort()) {
    const { size, mtimeNs } = await stat(file, { bigint: true }).catch(unreadable(file))
    hash.update(`${JSON.stringify([file, String(size), String(mtimeNs)])}\n`)
  }
  for (const { name, file, dtype, shape, offset } of tensors)
    hash.update(`${JSON.stringify([name, file, dtype, shape, offset])}\n`)
  return hash.digest('hex').slice(0, 40)
}

async function checkSpace(cacheDir: string, { bytes, noun }: Pick<Twin<unknown>, 'bytes' | 'noun'>) {
  const { bavail, bsize } = await statfs(cacheDir).catch(unreadable(cacheDir))
  const free = bavail * bsize
  // The header is far below this.
  const needed = bytes + (16 << 20)
  if (free >= needed) return
  throw new EvolmmError(
    'NO_SPACE',
    `${cacheDir}: must have ${needed} bytes free for ${noun}, got ${free}; free some or choose another folder for them`,
    { details: { folder: cacheDir, needed, free } },
  )
}

async function removeLeftovers(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir).catch(unreadable(cacheDir))) {
    if (!/^\.[0-9a-f]{40}\.safetensors\..*\.tmp$/.test(name)) continue
    const path = join(cacheDir, name)
    const info = await stat(path).catch(() => undefined)
    if (info !== undefined && Date.now() - info.mtimeMs > deadAfter) await rm(path, { force: true })
  }
}

/**
 * Those with the largest power of two, up to a page, in their bytes first: then all whose size allows it begin on a page.
 */
export function aligned<T extends { bytes: number }>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => powerOf(b.bytes) - powerOf(a.bytes))
}

function powerOf(bytes: number): number {
  let power = 1
  while (power < page && bytes % (2 * power) === 0) power *= 2
  return power
}

/** The folder where twins are kept unless told otherwise. */
export function defaultCacheDir(): string {
  const base = process.env.XDG_CACHE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'evolmm', 'weights')
}
