// One process may load this package several times: by `import` and by `require`, in two versions, in a bundle
// and beside it. Each copy has its own classes, but its `instanceof` must recognise the errors of the others:
// instances carry a symbol of the process-wide registry, and `instanceof` checks only that.

/** Makes `instanceof` of this class accept instances of every class with the same brand. */
export function brand(branded: { readonly prototype: object }, key: symbol): void {
  Object.defineProperty(branded.prototype, key, { value: true })
  Object.defineProperty(branded, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A subclass inherits this method but has no brand of its own: there the prototypes decide.
      if (this !== branded) return Function.prototype[Symbol.hasInstance].call(this, value)
      return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[key] === true
    },
  })
}
