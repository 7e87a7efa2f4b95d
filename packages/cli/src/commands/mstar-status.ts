/** `evolmm mstar status`: what the folder of a run holds. */
import { readStatus } from '@evolmm/mstar'
import { EvolmmError } from '../errors'
import { formatStatus } from '../mstar/format-status'
import { addSettingsCommand, type CommandHost } from '../settings-command'

const examples = `
Examples:
  $ evolmm mstar status runs/charts
  $ evolmm mstar status runs/charts --json

A run that is still going can be looked at too.`

export function addMstarStatus(host: CommandHost): void {
  addSettingsCommand(host, 'status', {
    usage: '<run> [options]',
    summary: 'say how far a run is',
    description:
      'Says what the folder of a run holds: phase, cycle and step, answers, lessons and latest figures.',
    examples,
    json: 'the same as JSON',
    addArguments: (command) => command.argument('[run]', 'folder of the run'),
    run: async ({ stdout }, _, { json, args: [folder = ''] }) => {
      if (folder === '')
        throw new EvolmmError(
          'INVALID_OPTION',
          'mstar status: must be given the folder of a run, got nothing; write evolmm mstar status runs/NAME',
        )
      const status = await readStatus(folder)
      stdout.write(json ? `${JSON.stringify(status)}\n` : formatStatus(status))
      return undefined
    },
  })
}
