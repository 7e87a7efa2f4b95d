/** Fields of a `config.json`, checked: what is missing, wrong or not implemented is an error that names it. */
import { z } from 'zod'
import { EvolmmError } from '../../errors'
import type { JsonObject } from '../../checkpoint/read-checkpoint-file'

/** A size or a number of things. */
export const size = z.int().min(1)
/** A number of layers; the bound keeps a wrong file from asking for billions of weights. */
export const layerCount = z.int().min(1).max(10_000)
export const tokenId = z.int().min(0)

/** A place says where a value stands. */
export interface FieldPlace {
  file: string
  /** Path of the object within the file, with a dot at its end if it is not the file's own. */
  prefix: string
}

/** Throws `INVALID_CONFIG` with the path of the first field that is wrong. */
export function checkFields<T>(schema: z.ZodType<T>, value: unknown, { file, prefix }: FieldPlace): T {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  const [{ path, message, input }] = result.error.issues as [z.core.$ZodIssue]
  const name = `${prefix}${path.join('.')}`.replace(/\.$/, '')
  throw invalidConfig(file, name === '' ? 'the file' : name, `${message}, got ${shown(input)}`)
}

/** Throws `UNSUPPORTED_MODEL` if `architectures` are given and `architecture` is not among them. */
export function checkArchitecture(json: JsonObject, architecture: string, file: string): void {
  const { architectures } = json
  if (architectures === undefined) return
  if (Array.isArray(architectures) && architectures.includes(architecture)) return
  throw new EvolmmError(
    'UNSUPPORTED_MODEL',
    `${file}: architectures must hold ${architecture}, got ${shown(architectures)}; use a checkpoint of that class`,
    { details: { file, field: 'architectures', value: architectures } },
  )
}

export function shown(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value).slice(0, 100)
}

/** `rule` reads "must hold, got value". */
export function invalidConfig(file: string, field: string, rule: string): EvolmmError {
  return new EvolmmError(
    'INVALID_CONFIG',
    `${file}: ${field}: ${rule}; use the configuration of a supported model`,
    { details: { file, field } },
  )
}
