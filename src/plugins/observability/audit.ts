import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { answers, type Reason } from '../../errors/index.ts'

/** Pino's levels, by the numbers that lines carry. */
const levels = { debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const
type Level = keyof typeof levels

const text = (description: string) => Type.String({ description })
const number = (description: string) => Type.Number({ description })
const whole = (description: string) => Type.Integer({ description })
const optional = Type.Optional

const requestId = text('The request; Entra and Graph know it as `client-request-id`')
const traceId = text('The trace that the request is part of, where tracing is on')
const user = text('The user: a hash over tenant and object id, which names nobody and is the same in every line')
const client = text('The client application: a client id of Entra, or a hash of one that the OAuth proxy gave')
const reason = Type.Enum(Object.keys(answers) as Reason[], { description: 'A reason of `src/errors/index.ts`' })
const err = Type.Unknown({
  description: 'What lies behind it: an error with its stack, or of what Entra answered the names, numbers and ids',
})
const graphRequestId = text('Graph’s own id of the call, `request-id`, which Microsoft’s support asks for')
const ofRequest = { requestId: optional(requestId), traceId: optional(traceId) }

/** What every line has. */
const everyLine = {
  level: whole('20 debug, 30 info, 40 warn, 50 error, 60 fatal'),
  time: whole('Milliseconds since the epoch'),
  pid: whole('The process'),
  hostname: text('The host or container'),
  tenant: text('The Entra tenant that this server is for'),
  event: text('Its name'),
  msg: text('The same for people'),
}

const event = <Fields extends TProperties>(level: Level, message: string, tells: string, fields: Fields) => ({
  level,
  message,
  tells,
  fields: Type.Object(fields),
})

/** Of this server, and never the thing itself. */
const credential = {
  kind: text('What it comes from: `certificate_file`, `vault_key`, `vault_secret` or `managed_identity`'),
  thumbprint: optional(text('The certificate’s thumbprint, where there is one')),
  certificateExpires: optional(text('When the certificate ends (ISO 8601)')),
}
const signInStep = { ...ofRequest, client }

/** Every event that this server logs: at which level, when, and with what. Nothing in them is secret. */
export const events = {
  // Calls.
  request: event(
    'info',
    'request',
    'A request is over. At `warn` with `err` where the answer could not be sent; at `debug` for a probe that found all well',
    {
      ...ofRequest,
      method: text('The HTTP method; `none` where the request could not be read'),
      route: text('The route’s pattern; `none` where there is none'),
      status: whole('The HTTP status; 499 where the client went away'),
      ms: number('How long it took, in milliseconds'),
      user: optional(user),
      client: optional(client),
      rpcMethod: optional(text('The JSON-RPC method; `other` where it is none of MCP’s')),
      tool: optional(text('The tool that was called')),
      outcome: optional(reason),
      ageSeconds: optional(
        whole('How old the answer was, where it was kept from an earlier call and Graph was not asked'),
      ),
      err: optional(err),
    },
  ),
  auth_success: event('info', 'caller proven', 'A token was proven. Not again while the proof is remembered', {
    ...ofRequest,
    user,
    client,
  }),
  auth_failure: event('warn', 'caller refused', 'A caller was refused, or could not be judged', {
    ...ofRequest,
    reason,
  }),
  obo_success: event('info', 'exchanged a token On-Behalf-Of', 'Entra gave a Graph token for a user', {
    ...ofRequest,
    user,
    ms: number('How long the exchange took, retries included, in milliseconds'),
  }),
  obo_failure: event(
    'warn',
    'a token could not be exchanged',
    'Entra gave none. At `error` where it is this server’s own fault',
    {
      ...ofRequest,
      user,
      reason,
      ms: number('How long the exchange took, retries included, in milliseconds'),
      err: optional(err),
    },
  ),
  graph_call: event('info', 'called Graph', 'Graph was read for a user: one line for each attempt', {
    ...ofRequest,
    user: optional(user),
    tool: optional(text('The tool that read')),
    path: text('What was read: the path, without the query'),
    attempt: whole('1 for the first'),
    ms: number('How long this attempt took, in milliseconds'),
    status: optional(whole('Graph’s HTTP status')),
    outcome: optional(
      Type.Enum(['timeout', 'cancelled', 'too_large', 'unreachable'], { description: 'Why there was no answer' }),
    ),
    graphRequestId: optional(graphRequestId),
  }),
  graph_budget_spent: event(
    'warn',
    'no call to Graph is left',
    'Graph was not asked, since the limit that it has for the tenant would have been passed',
    {
      ...ofRequest,
      user: optional(user),
      tool: optional(text('The tool that wanted to read')),
      window: Type.Enum(['minute', 'hour'], { description: 'Of which limit' }),
      why: Type.Enum(['share', 'all'], {
        description: 'Whether the user had as much of it as is left for others, or nothing is left',
      }),
      seconds: whole('When the user’s next call fits in'),
    },
  ),
  graph_paused: event('warn', 'Graph asks to wait: nobody calls it', 'Graph limits this app; said once for each wait', {
    seconds: whole('For how long'),
    toldBy: Type.Enum(['graph', 'replica'], { description: 'Who said so: Graph to this replica, or another replica' }),
  }),
  rate_limit: event('warn', 'rate limit reached', 'A request was refused, since there were too many', {
    ...ofRequest,
    by: Type.Enum(['address', 'user', 'registration', 'concurrency'], {
      description: 'What was counted; `concurrency`: requests in flight of one user or address',
    }),
    user: optional(user),
  }),
  failure: event(
    'error',
    'call failed',
    'A request ended with a 5xx. `overloaded`: it was rejected so that others are served in good time, and `err` says why',
    {
      ...ofRequest,
      reason,
      err,
    },
  ),
  lines_omitted: event(
    'warn',
    'more refusals than are written',
    'Of a kind of refusal, ten lines a second are written. The others are at `debug`, metrics count them, and this line says how many they were',
    {
      of: text(
        'Which event: `request` from status 400 on, `auth_failure`, `sign_in_failure`, `rate_limit` or `failure`',
      ),
      what: text('Its status, reason or limit'),
      lines: whole('How many lines of that second are not written'),
    },
  ),
  mcp_refused: event('debug', 'MCP message refused', 'A message is none that MCP allows', {
    why: text('The SDK’s name for it'),
  }),

  // The OAuth proxy.
  client_registered: event('info', 'client registered', 'An application registered itself', {
    ...ofRequest,
    redirectUris: whole('How many redirect URIs it registered'),
  }),
  authorize: event(
    'info',
    'sign-in',
    'A browser was sent to Entra: the operator or the user approved before',
    signInStep,
  ),
  consent_asked: event('info', 'sign-in', 'A user was asked whether the application may sign them in', signInStep),
  consent_given: event('info', 'sign-in', 'The user allowed it, and was sent to Entra', signInStep),
  consent_denied: event('info', 'sign-in', 'The user did not allow it', signInStep),
  sign_in: event('info', 'sign-in', 'Entra signed the user in; the application has a code', signInStep),
  sign_in_failure: event('warn', 'sign-in refused', 'A step of a sign-in was refused', {
    ...ofRequest,
    client: optional(client),
    reason,
    aadsts: optional(text('Entra’s number for it')),
    redirectUri: optional(text('The redirect URI that was rejected: origin and path')),
    allowLine: optional(
      text('The line for the environment that would allow it: paste it where you know whose URI it is'),
    ),
    err: optional(err),
  }),
  token_issued: event('info', 'tokens issued', 'An application got tokens', {
    ...ofRequest,
    client,
    grant: Type.Enum(['authorization_code', 'refresh_token'], { description: 'What it gave for them' }),
  }),
  seal_key_random: event(
    'warn',
    'sign-ins end with this process: MCP_OAUTH_SEAL_KEY is not set',
    'The server made a seal key of its own',
    {},
  ),
  proxy_client_not_allowed: event(
    'warn',
    'MCP_ALLOWED_CLIENT_IDS does not list the app of the OAuth proxy: whoever signs in here is refused',
    'Two variables contradict each other',
    { client },
  ),

  // What it depends on.
  credential_loaded: event('info', 'this server can prove itself to Entra', 'A credential is there, or is another', {
    ...credential,
  }),
  credential_expires: event(
    'warn',
    'the certificate ends soon: replace it',
    'Once a day, from 30 days before its end',
    {
      ...credential,
      days: whole('Whole days that are left'),
    },
  ),
  credential_unavailable: event('warn', 'the credential cannot be used', 'A credential cannot be had', {
    kind: credential.kind,
    serving: optional(Type.Boolean({ description: 'Whether the one from before still serves' })),
    err,
  }),
  keys_loaded: event('info', 'signing keys loaded', 'The tenant’s signing keys are others than before', {
    keys: Type.Array(Type.String(), { description: 'The key ids' }),
    gone: Type.Array(Type.String(), { description: 'Those that no longer count' }),
  }),
  keys_unavailable: event('warn', 'signing keys could not be fetched', 'The keys known go on counting', {
    known: whole('How many keys are known'),
    err,
  }),
  redis_down: event('warn', 'Redis does not answer: this replica goes on by itself', 'Once, when it goes', {
    why: text('What the client says'),
  }),
  redis_refused: event(
    'warn',
    'Redis refuses: what it should have kept is known to this replica alone',
    'It is full, or takes no writes; said once a minute at most',
    { why: text('What Redis says') },
  ),
  redis_forged: event(
    'warn',
    'Redis holds what no replica has written: it does not count',
    'Somebody else writes to it, replicas have different keys, or their clocks differ by minutes; said once a minute at most',
    { what: text('What it was: a topic, `graph-budget` or `rate`') },
  ),
  redis_up: event('info', 'Redis answers again', 'Once, when it is back', {}),
  traces_unavailable: event('warn', 'spans cannot be sent', 'The collector refuses or does not answer; said once', {
    why: text('What the exporter says'),
  }),
  traces_available: event('info', 'spans are sent again', 'Once, when it is back', {}),

  // The process.
  unsafe_setting: event(
    'warn',
    'a setting takes a protection away',
    'Once for each at a start: what production does not start with, or a connection that is not encrypted',
    { name: text('The variable, or `node` for a flag of its own'), why: text('What is wrong with it') },
  ),
  listening: event('info', 'listening: clients use this address', 'The process accepts connections', {
    url: text(
      'The address to give to clients. Another name of the same machine is another address to them: they compare it with what the metadata says',
    ),
  }),
  stopping: event('info', 'finishing the calls in flight', 'The process was told to stop', {
    signal: optional(text('By which signal')),
  }),
  log_resumed: event(
    'warn',
    'the log is written again: lines before this one are missing',
    'Standard output takes lines again, and some were dropped meanwhile: a full disk, a closed pipe, a reader that does not read',
    {
      lines: whole('How many were dropped'),
      why: text('The system’s code for it, such as `ENOSPC`; `EAGAIN` where nobody read'),
    },
  ),
  crash: event('fatal', 'the process cannot go on', 'Something was thrown that nobody caught', { err }),
} as const

export type EventName = keyof typeof events
type Fields<Name extends EventName> = OrUndefined<Static<(typeof events)[Name]['fields']>>
/** Pino leaves out what is undefined. */
type OrUndefined<T> = { [Key in keyof T]: T[Key] | (Record<never, never> extends Pick<T, Key> ? undefined : never) }

/**
 * Writes an event, and lets those know who listen for it.
 *
 * @param how where an event is not always of its usual level, or more can be said about it
 */
export type Audit = <Name extends EventName>(name: Name, fields: Fields<Name>, how?: HowToSay) => void
interface HowToSay {
  readonly level?: Level
  readonly message?: string
}

/** Callbacks by the event that they are for. */
export type AuditListeners = { readonly [Name in EventName]?: (fields: Fields<Name>) => void }

type AuditSink = Readonly<Record<Level, (fields: object, message: string) => void>>

/** The one way to log an event. Whatever counts events listens here, so that what is counted is what was logged. */
export function createAudit() {
  const listening: AuditListeners[] = []
  return {
    write<Name extends EventName>(
      log: AuditSink,
      name: Name,
      fields: Fields<Name>,
      { level = events[name].level, message = events[name].message }: HowToSay = {},
    ) {
      log[level]({ event: name, ...fields }, message)
      for (const listeners of listening) listeners[name]?.(fields)
    },
    listen(listeners: AuditListeners) {
      listening.push(listeners)
    },
  }
}

/** A whole line of that event, as it is logged, and nothing beside it. */
export function lineSchema(name: EventName): TObject {
  return Type.Object({ ...everyLine, ...events[name].fields.properties }, { additionalProperties: false })
}
