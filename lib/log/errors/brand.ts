// One process may load this package several times: by `import` and by `require`, in two versions, in a bundle
// and beside it. Each copy has its own classes, and an error of one must be told by `instanceof` in another:
// its instances bear a symbol of the process-wide registry, and `instanceof` looks for nothing else.

/** Makes `instanceof` of this class accept instances of every class with the same brand. */
export function brand(branded: { readonly prototype: object }, key: symbol): void {
  Object.defineProperty(branded.prototype, key, { value: true })
  Object.defineProperty(branded, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A class that extends it inherits this method and has no brand of its own: there the prototypes tell.
      if (this !== branded) return Function.prototype[Symbol.hasInstance].call(this, value)
      return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[key] === true
    },
  })
}
