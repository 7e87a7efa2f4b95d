/** Settings that several parts of the loop have by themselves. */
import { text } from '@evolmm/settings'

export const partOutput = {
  output_dir: text(null, 'folder of the run', { value: 'dir', required: true, identity: false }),
}

/** A file in the folder of a run by its name. */
export const fileName = (otherwise: string, help: string) =>
  text(otherwise, help, {
    value: 'name',
    identity: false,
    must: {
      rule: 'be letters, digits, "-", "_" and "." behind a letter or digit',
      holds: (name) => /^[a-z\d][\w.-]{0,99}$/i.test(name),
    },
  })
