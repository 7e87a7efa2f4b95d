/** The flags that several commands share. They say what to do and how it is shown, so that no file of settings has them. */
import { schema, text, toggle } from '@evolmm/settings'

/** The flag that names a file of settings. */
export const configFlag = schema({
  name: 'a command with settings',
  groups: {
    Configuration: {
      config: text(null, 'settings by name as JSON, or the run.json of a run', {
        value: 'file',
        otherwise: 'none',
        identity: false,
      }),
    },
  },
})

/** The flag that asks for a result as JSON; `help` says what that is. */
export const jsonFlag = (help: string) =>
  schema({
    name: 'a command with a result',
    groups: { Output: { json: toggle(false, help, { identity: false }) } },
  })

/**
 * The flag of every command, and of none. Its variable is read by `wantsDebug`, since an error in reading it could not be
 * reported before it is known.
 */
export const debugFlag = schema({
  name: 'evolmm',
  groups: {
    Output: {
      debug: toggle(false, 'show where an error comes from (or set EVOLMM_DEBUG=1)', { identity: false }),
    },
  },
})
