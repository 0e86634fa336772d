/** A step that can never come: the scenario does not fit the call. It is the run's `fault`, not the call's. */
export class StepFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StepFault';
  }
}
