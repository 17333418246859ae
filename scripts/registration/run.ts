import type { Io } from '../shared/io.ts'
import { type Application, emptyApplication, type ServicePrincipal, withBody } from './application.ts'
import type { Graph } from './graph.ts'
import { type Change, mergeParts, named, type Part, withParts } from './parts.ts'

/** One run of a register command. */
export interface Run {
  readonly io: Io
  readonly graph: Graph
  /** Changes are collected but not written. */
  readonly isDry: boolean
  readonly changes: Change[]
}

/** Records changes and writes them with `work`, unless there are none or this is a dry run. */
export async function applyChanges<T>(
  { changes, isDry, io }: Run,
  ownChanges: readonly Change[],
  summary: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  if (ownChanges.length === 0) return undefined
  changes.push(...ownChanges)
  if (isDry) return undefined
  const result = await work()
  io.progress(summary, 'gray')
  return result
}

/** Writes parts to an existing application. */
export async function update(run: Run, app: Application, parts: readonly Part[]): Promise<Application> {
  const { changes, body } = mergeParts(parts)
  await applyChanges(run, changes, `${app.displayName}: updated`, () =>
    run.graph.patch(`/applications/${app.id}`, body),
  )
  return withBody(app, body)
}

/** Creates an application with these parts. */
export async function create(run: Run, displayName: string, parts: readonly Part[]): Promise<Application> {
  const all = [named(emptyApplication(), displayName), ...parts]
  const { changes, body } = mergeParts(all)
  const signInAudience = 'AzureADMyOrg'
  const audience = { action: 'add', property: 'signInAudience', value: signInAudience } as const
  const created = await applyChanges(run, [...changes, audience], `${displayName}: created`, () =>
    run.graph.post<Application>('/applications', { ...body, signInAudience }),
  )
  // The response has certificates only where they are selected, so the parts are used instead.
  return {
    ...withParts(emptyApplication(), all),
    signInAudience,
    ...(created && { id: created.id, appId: created.appId }),
  }
}

/** Creates the application's service principal if it is missing; undefined where a dry run would. */
export async function ensureServicePrincipal(
  run: Run,
  { appId, displayName }: Application,
  found: ServicePrincipal | undefined,
): Promise<ServicePrincipal | undefined> {
  if (found !== undefined) return found
  return applyChanges(
    run,
    [{ action: 'add', property: 'servicePrincipal', value: appId }],
    `${displayName}: service principal created`,
    () => run.graph.post<ServicePrincipal>('/servicePrincipals', { appId }),
  )
}
