import type { Client } from '../fixtures/client.js'

/** Imports a package from where it was installed; `T` is as much of it as is used. */
export type Load = <T>(name: string) => Promise<T>

/** How a client that is too large to be a dependency is driven, where its errors are recorded. */
export interface Recipe {
  /** What npm installs; the first is the client. */
  readonly packages: readonly string[]
  client(load: Load): Promise<Client>
}
