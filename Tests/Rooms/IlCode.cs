using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace TinyMllm.Tests.Rooms;

/// <summary>An instruction of a method and what it names: a type, a method, a field, or null.</summary>
internal readonly record struct Instruction(OpCode Code, MemberInfo? Operand);

/// <summary>Reads what compiled code does and whom it knows.</summary>
internal static class IlCode
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<int, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (int)(ushort)code.Value);

    /// <summary>Methods and constructors of a type that have code.</summary>
    public static IEnumerable<MethodBase> Methods(Type type) =>
        type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)).Where(method => method.GetMethodBody() is not null);

    /// <summary>The instructions of a method.</summary>
    public static IEnumerable<Instruction> Instructions(MethodBase method)
    {
        byte[] il = method.GetMethodBody()!.GetILAsByteArray()!;
        for (int at = 0; at < il.Length;)
        {
            int value = il[at++];
            if (value == 0xFE) value = 0xFE00 | il[at++];
            OpCode code = Codes[value];
            MemberInfo? operand = code.OperandType is OperandType.InlineMethod or OperandType.InlineType or OperandType.InlineField or OperandType.InlineTok
                ? Resolve(method, BinaryPrimitives.ReadInt32LittleEndian(il.AsSpan(at)))
                : null;
            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BinaryPrimitives.ReadInt32LittleEndian(il.AsSpan(at))),
                _ => 4,
            };
            yield return new Instruction(code, operand);
        }
    }

    /// <summary>All types that a type's members, code and bases name, without those that they are made of generically.</summary>
    public static IEnumerable<Type> KnownTo(Type type)
    {
        IEnumerable<Type?> known = [type.BaseType, .. type.GetInterfaces(), .. type.GetFields(All).Select(field => field.FieldType)];
        foreach (MethodBase method in Methods(type))
        {
            known = known.Concat(method.GetParameters().Select(parameter => parameter.ParameterType))
                .Append((method as MethodInfo)?.ReturnType)
                .Concat(method.GetMethodBody()!.LocalVariables.Select(variable => variable.LocalType))
                .Concat(Instructions(method).Select(instruction => instruction.Operand as Type ?? instruction.Operand?.DeclaringType));
        }

        return known.OfType<Type>().Select(Plain).Distinct();
    }

    /// <summary>The type itself, without pointers, arrays and type arguments.</summary>
    private static Type Plain(Type type)
    {
        while (type.HasElementType) type = type.GetElementType()!;
        return type.IsGenericType && !type.IsGenericTypeDefinition ? type.GetGenericTypeDefinition() : type;
    }

    private static MemberInfo? Resolve(MethodBase method, int token)
    {
        Type[]? ofType = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        return method.Module.ResolveMember(token, ofType, ofMethod);
    }
}
