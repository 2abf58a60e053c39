/** A value as it was found, before anything is known about it. */
export interface RawValue {
  readonly name: string;
  readonly value: unknown;
  /** Where its name stands, for messages. */
  readonly where: string;
  /** Where its value stands; absent when it has none. */
  readonly valueWhere?: string;
  /** Whether it is a map, whose members stand in the list too. */
  readonly hasMembers?: boolean;
}
