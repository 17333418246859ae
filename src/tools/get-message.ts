import { Type } from 'typebox'
import { asMessage, BodyFormat, Message, messagesPath, present } from '../graph/message.ts'
import { defineTool } from './define-tool.ts'

export const getMessage = defineTool({
  name: 'getMessage',
  title: 'Read a Message Center message',
  description:
    'Reads one post of the Microsoft 365 Message Center in full, as the signed-in user sees it: when the change ' +
    'happens, whom it affects and what to do. Find ids with getMessages.',
  input: Type.Object(
    {
      id: Type.String({
        pattern: '^MC[0-9]{1,10}$',
        description: 'the id of a message: MC and digits, such as MC1234567',
      }),
      body: Type.Optional({
        ...BodyFormat,
        description: 'how much of the body: text (default), html as Graph has it, or none',
      } as typeof BodyFormat),
    },
    { additionalProperties: false },
  ),
  output: Message,
  graphScopes: ['ServiceMessage.Read.All'],
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true },
  async handler({ id, body = 'text' }, { graph }) {
    return present(asMessage(await graph.get(`${messagesPath}/${id}`)), body)
  },
})
