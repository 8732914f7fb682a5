namespace TinyMllm.Language;

/// <summary>
/// Makes one part of a model. The builder checks all tensors when a recipe is written and reads weights only when it is followed, so that
/// a file's support can be judged, and a wrong one refused, before any memory is taken.
/// </summary>
/// <typeparam name="T">What is made.</typeparam>
internal delegate T Recipe<out T>();
