// Plain JavaScript, because it has to stand where `bench/node_modules` is found: the compiled suite stands elsewhere.
export const importHere = name => import(name)
