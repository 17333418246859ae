import { Compile, type Validator } from 'typebox/compile'
import { type EventName, events, lineSchema } from '../src/plugins/observability/audit.ts'

export type LogLine = Record<string, unknown> & { readonly event?: string; readonly level: number }

const validators = new Map<string, Validator>()
/** What Fastify itself has to say, such as that it listens. */
const ownFields = new Set(['level', 'time', 'pid', 'hostname', 'tenant', 'requestId', 'traceId', 'msg', 'err'])

/** Why a line is none that `src/plugins/observability/audit.ts` describes, or undefined. */
export function lineFault(line: LogLine): string | undefined {
  const { event } = line
  if (event === undefined) {
    const strange = Object.keys(line).find((field) => !ownFields.has(field))
    return strange === undefined ? undefined : `a line without an event has ${strange}: ${JSON.stringify(line)}`
  }
  if (!Object.hasOwn(events, event)) return `there is no event ${event}`
  const validator = validators.get(event) ?? Compile(lineSchema(event as EventName))
  validators.set(event, validator)
  const [error] = validator.Errors(line)
  if (error === undefined) return undefined
  return `${event}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}: ${JSON.stringify(line)}`
}
