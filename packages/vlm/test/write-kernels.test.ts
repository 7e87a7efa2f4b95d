/** The script that reads the published tables of kernels, on short ones of our own. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { makeFolder } from './support/safetensors'

const script = join(import.meta.dirname, '../scripts/write-kernels.mjs')
const head = (provider: string) => [
  `## Operators implemented by ${provider}ExecutionProvider`,
  '| Op Name | Parameters | OpSet Version | Types Supported |',
  '|---------|------------|---------------|-----------------|',
  '|**Operator Domain:** *ai.onnx*||||',
]
const kernels = [
  ...head('CPU'),
  '|Twist|*in* A:**T**<br> *in* n:**tensor(int64)**<br> *out* B:**T**<br><br>or<br><br>*in* A:**T**<br> *out* B:**T**|17+|**T** = seq(tensor(float)), tensor(double), tensor(float)|',
  '|||[9, 16]|**T** = tensor(float)|',
  '| |',
  ...head('CUDA'),
  '|Twist|*in* A:**T**<br> *out* B:**T**|9|**T** = tensor(float)|',
  '|**Operator Domain:** *com.microsoft*||||',
  '|Bend|*in* A:**T1**<br> *out* B:**T2**|1+|**T1** = tensor(float)<br/> **T2** = tensor(bool)|',
  '|**Operator Domain:** *com.elsewhere*||||',
  '|Break|*in* A:**T**<br> *out* B:**T**|1+|**T** = tensor(float)|',
  ...head('Dml'),
  '|Break|*in* A:**T**<br> *out* B:**T**|1+|**T** = tensor(float)|',
]
const operators = [
  '### ai.onnx (default)',
  '|<a href="#Twist">Twist</a>|<a href="C.md#Twist-17">17</a>, <a href="C.md#Twist-9">9</a>|<a href="C.md#Twist-3">3</a>|',
  '### elsewhere',
  '|<a href="#Break">Break</a>|<a href="C.md#Break-1">1</a>|',
]

async function written(table: readonly string[]): Promise<unknown> {
  const folder = await makeFolder()
  const [first, second] = [join(folder, 'kernels.md'), join(folder, 'operators.md')]
  await writeFile(first, table.join('\n'))
  await writeFile(second, operators.join('\n'))
  const { stdout } = await promisify(execFile)(process.execPath, [script, first, 'abc', second, 'def'])
  return JSON.parse(stdout)
}

test('versions, ranges, types and operands of two providers', async () => {
  expect(await written(kernels)).toEqual({
    sources: [
      { repository: 'microsoft/onnxruntime', file: 'docs/OperatorKernels.md', commit: 'abc' },
      { repository: 'onnx/onnx', file: 'docs/Operators.md', commit: 'def' },
    ],
    types: ['float64 float32', 'float32', 'bool'],
    operators: {
      Twist: { versions: [9, 17], forms: ['A:T n:int64 -> B:T', 'A:T -> B:T'] },
      'com.microsoft.Bend': { versions: [], forms: ['A:T1 -> B:T2'] },
    },
    kernels: {
      cpu: {
        Twist: [
          [17, null, { T: 0 }],
          [9, 16, { T: 1 }],
        ],
      },
      cuda: { Twist: [[9, 9, { T: 1 }]], 'com.microsoft.Bend': [[1, null, { T1: 1, T2: 2 }]] },
    },
  })
})

test('a row that is not understood is an error', async () => {
  await expect(
    written([...head('CPU'), '|Twist|*in* A:**T**|since 9|**T** = tensor(float)|']),
  ).rejects.toThrow('must have rows of four columns')
})
