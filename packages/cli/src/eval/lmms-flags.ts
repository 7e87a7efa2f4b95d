/** Flags of lmms-eval that mean nothing here, so that its command lines can be used as they are. */
import { choice, schema, text, toggle, type ValuesOf } from '@evolmm/settings'
import { ignoredModelArgs } from './model-args'

const help = 'accepted as by lmms-eval; has no effect here'
const ignored = (value: string) => text(null, help, { value, otherwise: 'none', identity: false })
const ignoredSwitch = toggle(false, help, { identity: false })

export const lmmsFlags = schema({
  name: 'evolmm eval',
  groups: {
    'As lmms-eval has them': {
      apply_chat_template: ignoredSwitch,
      fewshot_as_multiturn: ignoredSwitch,
      force_simple: ignoredSwitch,
      process_with_media: ignoredSwitch,
      trust_remote_code: ignoredSwitch,
      verbosity: ignored('name'),
      use_cache: ignored('path'),
      num_fewshot: choice(['0'], 'examples before each question, of which there are none here', {
        identity: false,
      }),
    },
  },
})
export type LmmsFlags = ValuesOf<typeof lmmsFlags>

/** Those that were given, also among the arguments of the model. */
export function ignoredFlags(own: LmmsFlags, modelArgs: string | null): string[] {
  const given = Object.entries(lmmsFlags.rows).filter(
    ([name, row]) => own[name as keyof LmmsFlags] !== row.default,
  )
  return [
    ...ignoredModelArgs(modelArgs).map((key) => `--model_args ${key}`),
    ...given.map(([name]) => `--${name}`),
  ]
}
