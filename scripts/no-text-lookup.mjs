/**
 * An eslint rule: what a module keeps as a table and looks texts up in is a Map. A plain object knows "constructor" and
 * `__proto__` too, which nobody wrote into it; a model may well write them.
 */
import ts from 'typescript'

export const noTextLookup = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      table: '`{{key}}` may be any text, "constructor" included: make the table a Map',
      in: '`{{key}}` may be any text, "constructor" included: ask Object.hasOwn, or a Map',
    },
  },
  create(context) {
    const { program, esTreeNodeToTSNodeMap: nodes } = context.sourceCode.parserServices
    const checker = program.getTypeChecker()
    const typeOf = (node) => checker.getTypeAtLocation(nodes.get(node))
    const isAnyText = (node) => partsOf(typeOf(node)).some(({ flags }) => (flags & ts.TypeFlags.String) !== 0)
    const isTable = (node) =>
      partsOf(typeOf(node)).some(
        (type) => checker.getIndexInfoOfType(type, ts.IndexKind.String) !== undefined,
      )
    const report = (messageId, node, key) =>
      context.report({ node, messageId, data: { key: context.sourceCode.getText(key) } })
    return {
      MemberExpression(node) {
        const { computed, object, property } = node
        if (computed && isOfModule(context, object) && isAnyText(property) && isTable(object))
          report('table', node, property)
      },
      'BinaryExpression[operator="in"]'(node) {
        if (node.left.type !== 'PrivateIdentifier' && isAnyText(node.left)) report('in', node, node.left)
      },
    }
  },
}

/** Whether a name stands for what the module declares at its top, or imports. */
function isOfModule({ sourceCode }, node) {
  if (node.type !== 'Identifier') return false
  for (let scope = sourceCode.getScope(node); scope !== null; scope = scope.upper) {
    if (scope.set.has(node.name)) return scope.type === 'module'
  }
  return false
}

function partsOf(type) {
  return type.isUnion() ? type.types : [type]
}
