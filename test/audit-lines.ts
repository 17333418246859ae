import { type TObject, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { type EventName, events } from '../src/plugins/observability/audit.ts'

export type LogLine = Record<string, unknown> & { readonly event?: string; readonly level: number }

const validators = new Map<string, Validator>()
/** Fields of every line with an event. */
const everyLine = {
  level: Type.Integer(),
  time: Type.Integer(),
  pid: Type.Integer(),
  hostname: Type.String(),
  tenant: Type.String(),
  event: Type.String(),
  msg: Type.String(),
}
/** Fields of Fastify's own lines, such as when it listens. */
const ownFields = new Set(['level', 'time', 'pid', 'hostname', 'tenant', 'requestId', 'traceId', 'msg', 'err'])

/** The error of a line that does not match `src/plugins/observability/audit.ts`, or undefined. */
export function lineError(line: LogLine): string | undefined {
  const { event } = line
  if (event === undefined) {
    const unexpected = Object.keys(line).find((field) => !ownFields.has(field))
    return unexpected === undefined ? undefined : `a line without an event has ${unexpected}: ${JSON.stringify(line)}`
  }
  if (!Object.hasOwn(events, event)) return `unknown event ${event}`
  const validator = validators.get(event) ?? Compile(lineSchema(event as EventName))
  validators.set(event, validator)
  const [error] = validator.Errors(line)
  if (error === undefined) return undefined
  return `${event}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}: ${JSON.stringify(line)}`
}

/** The schema of a whole line of that event. */
export function lineSchema(name: EventName): TObject {
  return Type.Object({ ...everyLine, ...events[name].fields.properties }, { additionalProperties: false })
}
