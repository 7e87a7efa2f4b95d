/** `evolmm mstar`: a model learns from those of its own rationales that a rule and a reward model keep. */
import { mstarSettings } from '@evolmm/mstar'
import { schema, toggle } from '@evolmm/settings'
import { assumedRight } from '../mstar/assumed-right'
import { dryRun } from '../mstar/dry-run'
import { addSettingsCommand, type CommandHost } from '../settings-command'
import { runMstar } from '../mstar/run-mstar'
import { addMstarPrm } from './mstar-prm'
import { addMstarRollout } from './mstar-rollout'
import { addMstarSelect } from './mstar-select'
import { addMstarStatus } from './mstar-status'

const examples = `
Examples:
  $ evolmm mstar --model ./start --data questions.jsonl \\
      --validation held-out.jsonl --output_dir ./run --use_lora --lr 1e-4
  $ evolmm mstar --model ./start --output_dir ./run --use_lora \\
      --data MathV360K/train_samples_all_tuned.json \\
      --reward_model ./reward --selection top-k --select_k 2

A line of the data is {"image", "question", "answer"}, with "options" where
there is a choice. Answers and what is watched lie in the folder of the run:
the same command continues a run that was stopped or killed, and asks nothing
twice. A reward model is made by evolmm mstar prm.`

const mstarFlags = schema({
  name: 'evolmm mstar',
  groups: {
    Configuration: {
      dry_run: toggle(
        false,
        'check settings, files, device and memory, build all programs, show what the run will take, and stop',
        { identity: false },
      ),
      assumed_right: assumedRight,
    },
  },
})

export function addMstar(host: CommandHost): void {
  const command = addSettingsCommand(host, 'mstar', {
    usage: '--model <dir> --data <file> --output_dir <dir> [options]',
    summary: 'learn from right answers of its own, again and again',
    description:
      'M-STaR: answers questions, keeps right answers, learns them, and begins again with what it has learned.',
    examples,
    schema: mstarSettings,
    json: 'the outcome as JSON, or with --dry_run the configuration and the plan',
    own: mstarFlags,
    run: (context, read, { dry_run: isDry, assumed_right: right, json }) => {
      const { settings, notes } = read
      if (isDry) return dryRun(context, read, { right, asJson: json })
      for (const note of notes) context.stderr.write(`note: ${note}\n`)
      return runMstar(context, settings, { asJson: json })
    },
  })
  const below = { ...host, program: command }
  addMstarRollout(below)
  addMstarPrm(below)
  addMstarSelect(below)
  addMstarStatus(below)
}
