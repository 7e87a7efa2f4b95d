/** Errors about a setting begin with its name in the library; whoever gave it may know it by another. */
import { EvolmmError } from '@evolmm/internal'

/** The same error about `subject`, if `details.option` is what its message begins with. */
export function nameOption(error: EvolmmError, subject: string): EvolmmError {
  const { option } = error.details
  if (typeof option !== 'string' || !/^\W/.test(error.message.slice(option.length))) return error
  if (!error.message.startsWith(option)) return error
  return new EvolmmError(error.code, `${subject}${error.message.slice(option.length)}`, {
    details: error.details,
    cause: error,
  })
}
