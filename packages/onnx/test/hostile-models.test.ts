/** Files that break a rule of the format, or use what is not handled: one typed error that says which. */
import { expect, test } from 'vitest'
import { parse } from '@evolmm/onnx'
import { AttributeProto_AttributeType as Kind } from '../src/proto/gen/onnx_pb'
import { float, model, node, refusal, tensor, y } from './support/broken-model'

test('the model that the cases below break is sound', () => {
  expect(parse(model({})).body.outputs[0].shape).toEqual([2])
})

const broken: Record<string, [Uint8Array, RegExp]> = {
  'no bytes': [new Uint8Array(), /must have a graph/],
  text: [new TextEncoder().encode('# A model\n\nThis is not one.\n'), /must be an ONNX file/],
  'no graph': [model({}, { graph: undefined }), /must have a graph/],
  'no operator set': [model({}, { opsetImport: [] }), /must import the standard operators/],
  'no IR version': [model({}, { irVersion: 0n }), /IR version/],
  'one operator set twice': [
    model(
      {},
      {
        opsetImport: [
          { domain: '', version: 21n },
          { domain: 'ai.onnx', version: 20n },
        ],
      },
    ),
    /each operator set once/,
  ],
  'a cycle': [
    model({ node: [node('Add', ['x', 'b'], ['a']), node('Exp', ['a'], ['b']), node('Neg', ['b'], ['y'])] }),
    /value "b" must be made before it is used/,
  ],
  'a node that feeds itself': [
    model({ node: [node('Add', ['x', 'y'], ['y'])] }),
    /value "y" must be made before/,
  ],
  'nodes out of order': [
    model({ node: [node('Neg', ['a'], ['y']), node('Exp', ['x'], ['a'])] }),
    /value "a" must be made before/,
  ],
  'a missing input': [model({ node: [node('Exp', ['z'], ['y'])] }), /value "z" must be an input/],
  'a missing output': [model({ output: [{ name: 'q', type: float(2) }] }), /value "q" must be/],
  'an empty output': [model({ output: [{ name: '', type: float(2) }] }), /must be a value/],
  'one result twice': [model({ node: [...y, ...y] }), /"y"/],
  'a result named like an input': [model({ node: [node('Exp', ['x'], ['x']), ...y] }), /"x"/],
  'one input twice': [
    model({
      input: [
        { name: 'x', type: float(2) },
        { name: 'x', type: float(2) },
      ],
    }),
    /"x"/,
  ],
  'one output twice': [model({ output: [{ name: 'y' }, { name: 'y' }] }), /declared once/],
  'one constant twice': [
    model({ initializer: [tensor({}), tensor({})] }),
    /constants must have different names/,
  ],
  'an input without a type': [model({ input: [{ name: 'x' }] }), /must have a type/],
  'a negative length of an input': [model({ input: [{ name: 'x', type: float(-1) }] }), /0 or more/],
  'an unknown element type of an input': [
    model({ input: [{ name: 'x', type: { tensorType: { elemType: 77 } } }] }),
    /element type.*77/,
  ],
  'no operator': [model({ node: [node('', ['x'], ['y'])] }), /must have an operator/],
  'a negative dimension': [model({ initializer: [tensor({ dims: [-2n] })] }), /0 or more/],
  'an absurd dimension': [model({ initializer: [tensor({ dims: [2n ** 62n] })] }), /below 2\^53/],
  'an absurd product': [
    model({ initializer: [tensor({ dims: [2n ** 40n, 2n ** 40n], rawData: new Uint8Array(8) })] }),
    /sensible product/,
  ],
  'more elements than bytes': [
    model({ initializer: [tensor({ dims: [2n ** 40n], rawData: new Uint8Array(8) })] }),
    /must hold 4398046511104 bytes/,
  ],
  'too few bytes': [model({ initializer: [tensor({ rawData: new Uint8Array(7) })] }), /must hold 8 bytes/],
  'too few numbers': [model({ initializer: [tensor({ floatData: [1] })] }), /2 values in floatData/],
  'numbers in a list of another type': [
    model({ initializer: [tensor({ int64Data: [1n, 2n] })] }),
    /2 values in floatData/,
  ],
  'an unknown element type': [model({ initializer: [tensor({ dataType: 99 })] }), /element type.*99/],
  'an attribute of another type': [
    model({
      node: [node('Softmax', ['x'], ['y'], [{ name: 'axis', type: Kind.FLOAT, f: 0 }])],
    }),
    /axis must be of type int/,
  ],
  'an attribute without a type': [
    model({ node: [node('Exp', ['x'], ['y'], [{ name: 'a' }])] }),
    /must have a type/,
  ],
  'an attribute twice': [
    model({
      node: [
        node(
          'Exp',
          ['x'],
          ['y'],
          Array.from({ length: 2 }, () => ({ name: 'a', type: Kind.INT })),
        ),
      ],
    }),
    /"a" twice/,
  ],
  'an attribute that is a graph, without one': [
    model({ node: [node('If', ['x'], ['y'], [{ name: 'then_branch', type: Kind.GRAPH }])] }),
    /must hold a graph/,
  ],
  'a parameter outside of functions': [
    model({ node: [node('Elu', ['x'], ['y'], [{ name: 'alpha', type: Kind.FLOAT, refAttrName: 'a' }])] }),
    /only within a function/,
  ],
  'text that is not UTF-8': [
    model({ node: [node('Exp', ['x'], ['y'], [{ name: 'a', type: Kind.STRING, s: Uint8Array.of(0xff) }])] }),
    /UTF-8/,
  ],
  'shapes that cannot be': [
    model({
      node: [node('Add', ['x', 'w'], ['y'])],
      initializer: [tensor({ dims: [3n], floatData: [1, 2, 3] })],
    }),
    /shapes must broadcast/,
  ],
  'a function that calls itself': [
    model(
      { node: [node('F', ['x'], ['y'], [], 'f')] },
      {
        functions: [
          { name: 'F', domain: 'f', input: ['a'], output: ['b'], node: [node('F', ['a'], ['b'], [], 'f')] },
        ],
      },
    ),
    /must not call itself/,
  ],
  'a function defined twice': [
    model({}, { functions: Array.from({ length: 2 }, () => ({ name: 'F', domain: 'f' })) }),
    /defined once/,
  ],
  'a function called with too much': [
    model({ node: [node('F', ['x'], ['y'], [], 'f')] }, { functions: [{ name: 'F', domain: 'f' }] }),
    /called with up to 0 inputs/,
  ],
  'a function without its result': [
    model(
      { node: [node('F', ['x'], ['y'], [], 'f')] },
      { functions: [{ name: 'F', domain: 'f', input: ['a'], output: ['b'] }] },
    ),
    /"b" must be a value/,
  ],
  'an operator named like an inherited property': [
    // Parses, as any unknown operator; its output has no output declared of another type.
    model({ node: [node('constructor', ['x'], ['y']), node('Exp', ['nowhere'], ['z'])] }),
    /"nowhere"/,
  ],
}

test.each(Object.entries(broken))('%s', (_, [bytes, message]) => {
  const error = refusal(bytes)
  expect(error.code).toBe('INVALID_MODEL')
  expect(error.message).toMatch(message)
})

const unsupported: Record<string, [Uint8Array, RegExp]> = {
  'an old operator set': [model({}, { opsetImport: [{ domain: '', version: 12n }] }), /13 or later, got 12/],
  'text constants': [
    model({ initializer: [tensor({ dataType: 8, stringData: [new Uint8Array(1), new Uint8Array(1)] })] }),
    /must be numeric/,
  ],
  'an attribute that lists tensors': [
    model({ node: [node('Exp', ['x'], ['y'], [{ name: 'a', type: Kind.TENSORS }])] }),
    /number, text, tensor, graph/,
  ],
}

test.each(Object.entries(unsupported))('%s is refused as unsupported', (_, [bytes, message]) => {
  const error = refusal(bytes)
  expect(error.code).toBe('UNSUPPORTED_MODEL')
  expect(error.message).toMatch(message)
})
