/** `evolmm mstar select`: lessons made of answers on disk. */
import { counted } from '@evolmm/internal'
import { selectLessons, selectSettings } from '@evolmm/mstar'
import { addSettingsCommand, type CommandHost } from '../settings-command'

const examples = `
Examples:
  $ evolmm mstar select --output_dir ./run --data questions.jsonl
  $ evolmm mstar select --output_dir ./run --data questions.jsonl \\
      --selection threshold --validation_rollouts validation
  $ evolmm sft --model ./start --data ./run/lessons/lessons.jsonl --output_dir ./next

The answers are those of evolmm mstar rollout, or of a cycle of a run, such as
cycle_0001. A line of the lessons is {"images", "turns": [{"prompt",
"completion"}]}, which evolmm sft learns.`

export function addMstarSelect(host: CommandHost): void {
  addSettingsCommand(host, 'select', {
    usage: '--output_dir <dir> --data <file> [options]',
    summary: 'make lessons of right answers',
    description:
      'Keeps right answers, or those of them that a reward model likes, as lessons for evolmm sft.',
    examples,
    schema: selectSettings,
    json: 'what was kept of how much, as JSON',
    run: async ({ stdout, stderr }, { settings }, { json }) => {
      const selected = await selectLessons(settings)
      const { file, alpha, kept, answers, questions } = selected
      const above = alpha === null ? '' : ` above ${alpha}`
      const said = `${counted(kept, 'answer')}${above} kept of ${answers} to ${counted(questions, 'question')}`
      if (!json) stderr.write(`${said}\n`)
      stdout.write(json ? `${JSON.stringify(selected)}\n` : `${file}\n`)
      return undefined
    },
  })
}
