/** `evolmm export`: a model's programs as files for other runtimes. */
import type { Command } from 'commander'
import { stat } from 'node:fs/promises'
import { EvolmmError } from '@evolmm/internal'
import type { Context } from '../context'
import { formatBytes } from '../format-bytes'
import {
  addAdapterFlags,
  addModelFlags,
  addOutputFlags,
  requireFlags,
  type AdapterFlags,
  type ModelFlags,
} from '../options'
import { checkAdapterFlags, openAdapter, withModel } from '../with-model'

interface ExportFlags extends ModelFlags, AdapterFlags {
  out: string
}

const examples = `
Examples:
  $ evolmm export --model ./checkpoint --out programs
  $ evolmm export --model Qwen/Qwen2.5-VL-3B-Instruct --adapter ./solver --out programs`

export function addExport(program: Command, context: Context): void {
  const command = program
    .command('export')
    .usage('--model <dir_or_id> --out <dir> [options]')
    .summary('write the programs of a model as .onnx files')
    .description(
      'Writes every program of a model as an .onnx file that other runtimes can load, with the weights ' +
        'beside them. With an adapter the programs take its parameters, and one gives their gradient.',
    )
  addAdapterFlags(addModelFlags(command))
  command.optionsGroup('Output:').option('--out <dir>', 'folder for the files, made if need be')
  addOutputFlags(command)
    .addHelpText('after', examples)
    .action(async (flags: ExportFlags) => {
      requireFlags(command, 'model', 'out')
      checkAdapterFlags(flags)
      await checkFolder(flags.out)
      const files = await withModel(context, flags, async (vlm, progress) =>
        vlm.exportPrograms(flags.out, await openAdapter(vlm, flags, progress)),
      )
      // Names alone on standard output, for other commands.
      context.stdout.write(files.map((file) => `${file}\n`).join(''))
      const sizes = await Promise.all(
        files.map(async (file) => (await stat(file).catch(() => ({ size: 0 }))).size),
      )
      const total = formatBytes(sizes.reduce((sum, size) => sum + size, 0))
      context.stderr.write(`${files.length} ${files.length === 1 ? 'file' : 'files'}, ${total}\n`)
    })
}

/** The folder is checked before a model is loaded for nothing. */
async function checkFolder(folder: string): Promise<void> {
  const entry = folder === '' ? undefined : await stat(folder).catch(() => null)
  if (entry === undefined || entry?.isDirectory() === false)
    throw new EvolmmError(
      'INVALID_OPTION',
      `--out: must name a folder, got ${entry === undefined ? 'an empty text' : `the file ${JSON.stringify(folder)}`}; choose another`,
    )
}
