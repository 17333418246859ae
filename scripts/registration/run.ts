import type { Io } from '../shared/io.ts'
import { type Application, emptyApplication, type ServicePrincipal, withBody } from './application.ts'
import type { Graph } from './graph.ts'
import { type Change, named, type Part, together, withParts } from './parts.ts'

/** One run of a register command: what it changes, and whether it does. */
export interface Run {
  readonly io: Io
  readonly graph: Graph
  /** Nothing is written; changes are collected all the same. */
  readonly isDry: boolean
  readonly changes: Change[]
}

/** Does `work`, which makes these changes; not in a dry run. Where there is nothing to change, nothing is done. */
export async function make<T>(
  { changes, isDry, io }: Run,
  ownChanges: readonly Change[],
  says: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  if (ownChanges.length === 0) return undefined
  changes.push(...ownChanges)
  if (isDry) return undefined
  const made = await work()
  io.progress(says, 'gray')
  return made
}

/** Writes parts to an application that is there. */
export async function update(run: Run, app: Application, parts: readonly Part[]): Promise<Application> {
  const { changes, body } = together(parts)
  await make(run, changes, `${app.displayName}: updated`, () => run.graph.patch(`/applications/${app.id}`, body))
  return withBody(app, body)
}

/** Creates an application with these parts. */
export async function create(run: Run, displayName: string, parts: readonly Part[]): Promise<Application> {
  const all = [named(emptyApplication(), displayName), ...parts]
  const { changes, body } = together(all)
  const signInAudience = 'AzureADMyOrg'
  const audience = { action: 'add', property: 'signInAudience', value: signInAudience } as const
  const made = await make(run, [...changes, audience], `${displayName}: created`, () =>
    run.graph.post<Application>('/applications', { ...body, signInAudience }),
  )
  // Not what it answered for certificates, which it shows only where they are asked for.
  return { ...withParts(emptyApplication(), all), signInAudience, ...(made && { id: made.id, appId: made.appId }) }
}

/** The application's service principal in the tenant, created where it is missing; undefined in a dry run then. */
export async function ensureServicePrincipal(
  run: Run,
  { appId, displayName }: Application,
  found: ServicePrincipal | undefined,
): Promise<ServicePrincipal | undefined> {
  if (found !== undefined) return found
  return make(
    run,
    [{ action: 'add', property: 'servicePrincipal', value: appId }],
    `${displayName}: in the tenant`,
    () => run.graph.post<ServicePrincipal>('/servicePrincipals', { appId }),
  )
}
