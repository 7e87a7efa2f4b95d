import { settingsMarkdown } from '@evolmm/settings'
import { evolmmSettings } from '@evolmm/trainer'
import { expect, test } from 'vitest'

const introduction = `# Settings of a run

Made from the table in \`packages/trainer/src/settings\`, as is \`evolmm train --help\`. A flag counts before its environment
variable, that before the \`--config\` file, that before the default. Variables without \`EVOLMM_\` are those of the released
\`train.py\`; so are their flags and defaults.
`

test('SETTINGS.md lists every setting as it is', async () => {
  await expect(`${introduction}\n${settingsMarkdown(evolmmSettings)}`).toMatchFileSnapshot('../SETTINGS.md')
})
